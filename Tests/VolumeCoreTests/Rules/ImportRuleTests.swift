import Testing
import VolumeCore

/// Which images become volumes, and what is said of the others.
@Suite("Import of images") struct ImportRuleTests {
    private let image = ImageReference(pool: "rbd", name: "db")
    private let client: ClientAddress

    init() throws { client = try #require(ClientAddress("10.0.0.1:0/7")) }

    private func found(watchers: [ClientAddress] = []) -> ImageDescription {
        ImageDescription(
            id: "77", size: .mebibytes(206), order: 22, features: [], uid: nil, watchers: watchers)
    }

    private func verdict(
        _ image: ImageReference, _ found: ImageDescription, _ filesystems: [FilesystemType] = [.xfs],
        silent: [ClientAddress] = [], volumes: [String: ImageReference] = [:]
    ) throws -> ImportRule.Verdict {
        let volumes = try Dictionary(uniqueKeysWithValues: volumes.map { (try VolumeName($0.key), $0.value) })
        return ImportRule.verdict(of: image, found, filesystems, silent: silent, volumes: volumes)
    }

    @Test("An image that nobody has open becomes the volume of its name, with the filesystem that is on it")
    func taken() throws {
        #expect(try verdict(image, found()) == .take(try VolumeName("db"), .xfs))
        let other = ImageReference(pool: "fast", name: "web")
        #expect(try verdict(image, found(), volumes: ["web": other]) == .take(try VolumeName("db"), .xfs))
    }

    @Test("The image of a volume stays that volume's, whatever the volume is called, and whoever uses it")
    func recorded() throws {
        #expect(
            try verdict(image, found(watchers: [client]), volumes: ["web": image]) == .isVolume(try VolumeName("web")))
    }

    @Test(
        "What is in use, has no one filesystem, or a name that is taken or can be no volume's, is left, and it is said why"
    )
    func left() throws {
        func why(_ verdict: ImportRule.Verdict) -> String? {
            guard case .leave(let why, let remedy) = verdict, !remedy.isEmpty else { return nil }
            return why
        }
        #expect(why(try verdict(image, found(watchers: [client])))?.contains("10.0.0.1:0/7") == true)
        #expect(why(try verdict(image, found(), silent: [client]))?.contains("dead or paused") == true)
        #expect(why(try verdict(image, found(), []))?.contains("no filesystem") == true)
        #expect(why(try verdict(image, found(), [.ext4, .xfs]))?.contains("ext4 and xfs") == true)
        let elsewhere = ImageReference(pool: "fast", name: "db")
        #expect(why(try verdict(image, found(), volumes: ["db": elsewhere]))?.contains("of image fast/db") == true)
        let strange = ImageReference(pool: "rbd", name: "-x y")
        #expect(why(try verdict(strange, found()))?.contains("can be no volume's") == true)
    }

    @Test("What the plugin makes for itself is no volume")
    func own() {
        for name in ["rbd-plugin.removed.1", "rbd-plugin.creating.a.b", "rbd-plugin.kept.x"] {
            #expect(ImportRule.isOwn(name))
        }
        #expect(!ImportRule.isOwn("rbd-plugins"))
    }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Mount and mkfs options that volumes have from the settings.
@Suite struct DefaultWordsTests {
    private let cluster = SimulatedCluster()

    private func driver(_ mount: String, _ mkfs: String = "ext4:") throws -> VolumeDriver {
        let defaults = VolumeDefaults(
            mkfsOptions: try FilesystemWords(.mkfsOptions, mkfs),
            mountOptions: try FilesystemWords(.mountOptions, mount))
        return VolumeDriver(cluster.startPlugin(on: "a"), defaults: defaults)
    }

    private func spec() async throws -> VolumeSpec? {
        try await cluster.startPlugin(on: "b").store.read(VolumeName("db")).volume?.record.spec
    }

    @Test("A volume keeps the options that the settings had when it was created")
    func kept() async throws {
        try await driver("noatime", "ext4:-m 0").create("db", options: DriverFixture.options)
        let later = try driver("relatime", "ext4:-m 5")
        try await later.create("db", options: DriverFixture.options)
        _ = try await later.mount("db", id: "m1")
        #expect(try await spec()?.mountOptions == ["noatime"])
        #expect(try await spec()?.mkfsOptions == ["-m", "0"])
    }

    @Test("An image that is adopted gets the mount options for the filesystem that is on it")
    func adopted() async throws {
        let image = ImageReference(pool: "rbd", name: "db")
        _ = try await cluster.startPlugin(on: "b").formatter.createFormatted(
            image, spec: VolumeSpec(pool: "rbd", filesystem: .xfs), uid: "of another life")
        let driver = try driver("ext4:commit=30;xfs:nouuid", "ext4:-m 0")
        try await driver.create("db", options: ["pool": "rbd", "adopt": "true"])
        #expect(try await spec()?.filesystem == .xfs)
        #expect(try await spec()?.mountOptions == ["nouuid"])
        #expect(try await spec()?.mkfsOptions == [])
    }

    @Test("Help tells the settings' options, and makes nothing")
    func help() async throws {
        let driver = try driver("noatime")
        for options in [["help": ""], ["Help": "mount-options", "size": "nonsense"]] {
            let error = try #require(await errorOf { try await driver.create("db", options: options) })
            #expect(error.code == .help && error.outcome == .refused)
            #expect(error.description.split { $0.isWhitespace }.joined(separator: " ").contains("Default: noatime."))
        }
        #expect(cluster.world.leftovers.isEmpty)
    }
}

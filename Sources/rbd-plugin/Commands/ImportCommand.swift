import ArgumentParser
import CephStorage
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin volume import`
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract:
            "Make volumes of the images of a pool, with what is on them: those of an earlier plugin, for example.",
        discussion: """
            Looks at every image of the pool: whether it is a volume already, whether a client has it open, which filesystem is on it. \
            Shows what can become a volume, and of all else why not and what to do. Then asks, and has the plugin on this node create \
            the volumes with 'adopt', which RBD_ALLOW_ADOPT must allow there. The images are not changed but for a mark, and what is \
            in use is left alone. 'rbd-plugin volume forget' undoes it.

            Example: rbd-plugin volume import --pool rbd --dry-run
            """)

    @Argument(help: "The images' names. Without any, all of the pool.")
    var images: [String] = []

    @Option(help: "The pool of the images.")
    var pool: String

    @Option(help: "Their namespace in the pool.")
    var namespace = ""

    @Flag(name: .customLong("keep-images"), help: "Removing such a volume leaves its image.")
    var keepsImages = false

    @Flag(name: .customLong("dry-run"), help: "Show what would become a volume, and change nothing.")
    var isDry = false

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @OptionGroup var asked: PluginSocket

    private struct Found {
        let image: ImageReference
        let size: VolumeSize?
        let verdict: ImportRule.Verdict
    }

    func run() async throws {
        let found = try await look()
        var table = Table("IMAGE", "SIZE", "BECOMES", "FILESYSTEM", "WHY NOT")
        for each in found { table.add(Self.cells(each)) }
        print(found.isEmpty ? "There is no image in pool \(pool)." : table.text)
        let wanted = found.compactMap { each -> (ImageReference, VolumeName, FilesystemType)? in
            guard case .take(let name, let filesystem) = each.verdict else { return nil }
            return (each.image, name, filesystem)
        }
        for each in found {
            guard case .leave(_, let remedy) = each.verdict else { continue }
            print("\(ShownText.shown(each.image.name)): \(remedy)")
        }
        guard !isDry, !wanted.isEmpty else { return }
        let volumes = wanted.count == 1 ? "1 volume" : "\(wanted.count) volumes"
        let end = keepsImages ? "leaves its image" : "deletes its image"
        guard yes || Confirmation.ask("Make \(volumes)? 'docker volume rm' of one of them \(end) then.") else {
            throw ExitCode.failure
        }
        var hasFailed = false
        for (image, name, filesystem) in wanted {
            do {
                try await asked.plugin.create(name.given, options(filesystem))
                print("\(name): made of image \(image)")
            } catch {
                hasFailed = true
                Output.error("Error: \(error)\n")
            }
        }
        if hasFailed { throw ExitCode.failure }
    }

    private func options(_ filesystem: FilesystemType) -> [String: String] {
        var options = [
            VolumeOption.pool.rawValue: pool, VolumeOption.fstype.rawValue: filesystem.rawValue,
            VolumeOption.adopt.rawValue: keepsImages ? "true" : "own",
        ]
        if !namespace.isEmpty { options[VolumeOption.namespace.rawValue] = namespace }
        return options
    }

    private static func cells(_ found: Found) -> [String] {
        let size = found.size.map { "\($0)" } ?? ""
        let image = ShownText.shown(found.image.name)
        return switch found.verdict {
        case .take(let name, let filesystem): [image, size, name.given, filesystem.rawValue, ""]
        case .isVolume(let name): [image, size, "", "", "it is volume \(name)"]
        case .leave(let why, _): [image, size, "", "", ShownText.shown(why, limit: 300)]
        }
    }

    /// What is there, in order of the names.
    private func look() async throws -> [Found] {
        let seen = Seen()
        try await OperatorSession.run { session in
            try await session.cluster.require(claiming: false)
            let recorded = try await session.actions.volumes().compactMap(\.volume?.record)
            let volumes = Dictionary(recorded.map { ($0.name, $0.image) }) { first, _ in first }
            let all = try await session.images.names(in: pool, namespace: namespace, withPrefix: "")
            if let missing = images.first(where: { !all.contains($0) }) {
                throw OperatorSession.Failed("there is no image \(ShownText.quoted(missing)) in pool \(pool)")
            }
            for name in all.sorted() where images.isEmpty ? !ImportRule.isOwn(name) : images.contains(name) {
                seen.found.append(
                    try await look(ImageReference(pool: pool, namespace: namespace, name: name), volumes, session))
            }
        }
        return seen.found
    }

    /// What the session's closure finds.
    private final class Seen {
        var found: [Found] = []
    }

    private func look(
        _ image: ImageReference, _ volumes: [VolumeName: ImageReference], _ session: OperatorSession
    ) async throws -> Found {
        do {
            guard let description = try await session.images.inspect(image) else {
                return Found(
                    image: image, size: nil,
                    verdict: .leave(why: "it has gone meanwhile", remedy: "look again with 'rbd ls'"))
            }
            let fence = CephFence(connection: session.ceph, clock: SystemClock())
            var silent: [ClientAddress] = []
            for client in description.lockOwners + description.writers where !description.watchers.contains(client) {
                if try await !fence.isBlocklisted(client) { silent.append(client) }
            }
            let isVolume = volumes.values.contains(image)
            let filesystems = isVolume ? [] : try await session.images.filesystems(on: image)
            return Found(
                image: image, size: description.size,
                verdict: ImportRule.verdict(of: image, description, filesystems, silent: silent, volumes: volumes))
        } catch let error as VolumeError {
            return Found(image: image, size: nil, verdict: .leave(why: error.why, remedy: error.remedy))
        }
    }
}

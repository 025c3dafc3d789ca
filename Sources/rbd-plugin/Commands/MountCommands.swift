import ArgumentParser
import ClusterStatus
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin mount …`
struct MountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount", abstract: "List mounts, and take a volume from a node.",
        subcommands: [List.self, Release.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List all mounts, and whether their nodes are alive.",
            discussion: "Example: rbd-plugin mount ls")

        @Flag(help: "Print the records as a JSON array, for programs.")
        var json = false

        func run() async throws {
            try await OperatorSession.run { session in
                let mounted = try await session.actions.volumes().filter { !$0.allMounts.isEmpty }
                if json { return print(try RecordOutput.json(mounted.map(RecordOutput.init))) }
                let living = Set(try await session.nodes.living().map { NodeIdentity(node: $0.node, boot: $0.boot) })
                var table = Table("VOLUME", "NODE", "ALIVE", "STATE", "EPOCH", "DEVICE", "CLIENT", "USERS", "SINCE")
                for (name, mount) in mounted.flatMap({ stored in stored.allMounts.map { (stored.name.text, $0) } }) {
                    table.add(
                        name, mount.owner.node, living.contains(mount.owner) ? "yes" : "no", mount.state.rawValue,
                        "\(mount.epoch)", mount.device ?? "", mount.clients.map(\.description).joined(separator: ","),
                        "\(mount.mountIDs.values.reduce(0, +))", mount.since)
                }
                print(table.text)
            }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a volume from the node that has it.",
            discussion: """
                Blocklists that node's Ceph client for this volume, breaks its lock and clears the record of the mount. \
                From then on that node's writes to the volume fail, whether or not the node is alive, and any node can mount \
                the volume. Containers that still use it there get I/O errors.

                Example: rbd-plugin mount release db
                """)

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        @Flag(help: "Do not ask for confirmation.")
        var yes = false

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                let stored = try await session.actions.volume(volume)
                // Says why there is nothing to release.
                if !stored.readingNodes.isEmpty { _ = try await session.actions.release(volume) }
                guard let mount = stored.attachment?.record else {
                    throw OperatorSession.Failed("No node has volume \(volume) mounted: there is nothing to release.")
                }
                let clients = mount.clients.map(\.description).joined(separator: ", ")
                let question =
                    "Take volume \(volume) from node \(mount.owner.node), which has had it since \(mount.since)?\n"
                    + "Its client \(clients.isEmpty ? "(found by its watch)" : clients) will be blocklisted for good: "
                    + "containers that still use the volume there will get I/O errors."
                guard yes || Confirmation.ask(question) else { throw ExitCode.failure }
                let node = try await session.actions.release(volume, seen: mount)
                print("Released volume \(volume) from node \(node). Any node can mount it now.")
            }
        }
    }
}

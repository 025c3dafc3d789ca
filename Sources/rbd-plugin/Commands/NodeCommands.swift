import ArgumentParser
import ClusterStatus
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin node …`
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "List the nodes, and take the volumes of one that is gone for good.",
        subcommands: [List.self, Forget.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the nodes that are alive or have volumes mounted.",
            discussion: "Example: rbd-plugin node ls")

        @Flag(help: "Print a JSON array, for programs.")
        var json = false

        func run() async throws {
            try await OperatorSession.run { session in
                let rows = NodeRow.rows(
                    living: try await session.nodes.living().map(\.asLiving),
                    volumes: try await session.actions.volumes())
                if json { return print(try RecordOutput.json(rows)) }
                var table = Table("NODE", "ALIVE", "MOUNTED", "SINCE", "VERSION", "BOOT")
                for row in rows {
                    table.add(row.node, row.alive ? "yes" : "no", "\(row.mounted)", row.since, row.version, row.boot)
                }
                print(table.text)
            }
        }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take all volumes from a node that is gone for good.",
            discussion: """
                Does for each volume of the node what 'mount release' does: its Ceph clients are blocklisted, and any node can mount \
                the volumes. A node with a heartbeat is refused. Without this command, the next node that mounts a volume takes it \
                over, and volumes that nobody mounts stay recorded as the dead node's.

                Example: rbd-plugin node forget node-2
                """)

        @Argument(help: "The node's name, as 'node ls' shows it.")
        var node: String

        @Flag(help: "Do not ask for confirmation.")
        var yes = false

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                try await refuseIfAlive(session)
                let mounts = try await session.actions.volumes().compactMap { stored in
                    stored.attachment.map {
                        (name: stored.volume?.record.name.given ?? stored.name.text, mount: $0.record)
                    }
                }.filter { $0.mount.owner.node == node }
                guard !mounts.isEmpty else {
                    throw OperatorSession.Failed(
                        "Node \(ShownText.shown(node)) has no volume mounted: there is nothing to take.")
                }
                let names = mounts.map(\.name).joined(separator: ", ")
                let question =
                    "Take \(mounts.count == 1 ? "volume" : "\(mounts.count) volumes:") \(names) from node \(node)?\n"
                    + "Its Ceph clients will be blocklisted for good."
                guard yes || Confirmation.ask(question) else { throw ExitCode.failure }
                var hasFailed = false
                for (name, mount) in mounts {
                    do {
                        // It may have come back while somebody thought about the question, or the volumes before took their time.
                        try await refuseIfAlive(session)
                        _ = try await session.actions.release(name, seen: mount)
                        print("Released volume \(name).")
                    } catch {
                        hasFailed = true
                        Output.error("Error: \(error)\n")
                    }
                }
                if hasFailed { throw ExitCode.failure }
            }
        }

        private func refuseIfAlive(_ session: OperatorSession) async throws {
            guard let living = try await session.nodes.living().first(where: { $0.node == node }) else { return }
            throw OperatorSession.Failed(
                "Node \(node) is alive: it has had a heartbeat since \(living.since). 'rbd-plugin mount release' takes a single"
                    + " volume from a node that is alive.")
        }
    }
}

extension NodeRecord {
    /// As the status of the whole counts it.
    var asLiving: StatusSeen.LivingNode {
        StatusSeen.LivingNode(identity: NodeIdentity(node: node, boot: boot), since: since, version: version)
    }
}

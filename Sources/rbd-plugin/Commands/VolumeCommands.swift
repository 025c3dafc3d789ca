import ArgumentParser
import EtcdState
import FoundationEssentials
import Glibc
import RBDDriver
import VolumeCore

/// `rbd-plugin volume …`
struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract:
            "List, create, import and remove volumes, change their size and values, trim, protect and forget them.",
        subcommands: [
            List.self, Inspect.self, CreateCommand.self, ImportCommand.self, RemoveCommand.self, ResizeCommand.self,
            SetCommand.self, GetCommand.self, TrimCommand.self,
            Protect.self, Unprotect.self, Forget.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List all volumes.", discussion: "Example: rbd-plugin volume ls")

        @Flag(help: "Print the records as a JSON array, for programs.")
        var json = false

        func run() async throws {
            try await OperatorSession.run { session in
                let volumes = try await session.actions.volumes()
                if json { return print(try RecordOutput.json(volumes.map(RecordOutput.init))) }
                var table = Table("NAME", "PHASE", "SIZE", "FILESYSTEM", "IMAGE", "NODE", "SINCE")
                for stored in volumes {
                    let (volume, mounts) = (stored.volume?.record, stored.allMounts)
                    table.add(
                        volume?.name.given ?? stored.name.text, volume?.phase.rawValue ?? "",
                        volume.map { "\($0.spec.size)" } ?? "",
                        volume?.spec.filesystem.rawValue ?? "", volume.map { "\($0.image)" } ?? "",
                        mounts.map(\.owner.node).joined(separator: ","), mounts.map(\.since).min() ?? "")
                }
                print(table.text)
            }
        }
    }

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the records of a volume and the clients that have its image open, as JSON.",
            discussion: "Example: rbd-plugin volume inspect db")

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        func run() async throws {
            try await OperatorSession.run { session in
                let stored = try await session.actions.volume(volume)
                var output = RecordOutput(stored)
                do {
                    try await session.cluster.require(claiming: false)
                    output.watchers = try await session.actions.watchers(of: stored)?.map(\.description)
                } catch {
                    // The records are worth showing without Ceph, most of all then.
                    Output.write([UInt8]("rbd-plugin: cannot show the watchers: \(error)\n".utf8), to: STDERR_FILENO)
                }
                print(try RecordOutput.json(output))
            }
        }
    }

    struct Protect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Protect a volume: every node refuses to remove it until 'unprotect' lifts that.",
            discussion: "Example: rbd-plugin volume protect db")

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.actions.protect(volume, true)
                print("Volume \(volume) is protected: no node will remove it.")
            }
        }
    }

    struct Unprotect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lift the protection of a volume, so that it can be removed. This does not remove it.",
            discussion: "Example: rbd-plugin volume unprotect db")

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.actions.protect(volume, false)
                print("Volume \(volume) is not protected: 'docker volume rm' on any node can remove it.")
            }
        }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete the record of a volume that no node has mounted. Its image stays in Ceph.",
            discussion: "Example: rbd-plugin volume forget db")

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        @Flag(help: "Do not ask for confirmation.")
        var yes = false

        func run() async throws {
            try await OperatorSession.run { session in
                let stored = try await session.actions.volume(volume)
                let image = stored.volume.map { "\($0.record.image)" } ?? "(none)"
                let question =
                    "Forget volume \(volume)? Its image \(image) stays in Ceph, but no node will know the volume any more."
                guard yes || Confirmation.ask(question) else { throw ExitCode.failure }
                try await session.actions.forget(volume)
                print(
                    "Forgot volume \(volume). 'docker volume create -o adopt=own …' brings it back if RBD_ALLOW_ADOPT allows that."
                )
            }
        }
    }
}

/// The records of a volume, as they are shown.
struct RecordOutput: Encodable {
    let name: String
    let volume: VolumeRecord?
    let mount: Attachment?
    /// Of a volume that many nodes read.
    let readers: [Attachment]?
    let desired: DesiredState?
    let request: WorkRequest?
    /// Who has the image open; left out in lists, and when Ceph did not say.
    var watchers: [String]?

    init(_ stored: StoredVolume) {
        name = stored.volume?.record.name.given ?? stored.name.text
        volume = stored.volume?.record
        mount = stored.attachment?.record
        readers = stored.readers?.record.all
        desired = stored.desired?.record
        request = stored.request?.record
    }

    /// For programs that read line by line.
    static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

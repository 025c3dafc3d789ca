import ArgumentParser
import CephStorage
import EtcdState
import Glibc
import RBDDriver
import VolumeCore

/// `rbd-plugin trash …`
struct TrashCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trash", abstract: "List, restore and delete removed volumes that the trash keeps.",
        discussion: """
            A volume with on-remove=trash goes into the trash of its Ceph pool when it is removed, with its snapshots and all that \
            it was. It stays there for as long as trash.keep said then (7d, if it is not set).
            """,
        subcommands: [List.self, Restore.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the removed volumes that the trash keeps.",
            discussion: "Example: rbd-plugin trash ls")

        @Flag(help: "Print a JSON array, for programs.")
        var json = false

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                let all = try await session.trash.list { TrashCommand.tell($0, $1) }
                let claims = try await session.trash.claims()
                let used = await Self.used(of: all, session.images)
                let rows = all.map { kept in
                    TrashRow(kept, used[kept.image.id], claims.first { $0.uid == kept.image.uid }?.claim)
                }
                if json { return print(try RecordOutput.json(rows)) }
                var table = Table("NAME", "ID", "UID", "SIZE", "USED", "POOL", "REMOVED", "BY", "KEPT UNTIL", "STATE")
                for row in rows {
                    table.add(
                        row.name, row.id, row.uid, "\(VolumeSize(bytes: row.sizeBytes))", row.used, row.pool,
                        row.removedAt ?? "", row.removedBy ?? "", row.keptUntil, row.state ?? "")
                }
                print(table.text)
            }
        }

        /// What the entries have in Ceph, as far as that is known soon: it is only told.
        private static func used(of entries: [KeptImage], _ images: CephImageStore) async -> [String: UInt64] {
            let clock = SystemClock()
            let end = clock.now() + .seconds(10)
            var used: [String: UInt64] = [:]
            for entry in entries where clock.now() < end {
                used[entry.image.id] = try? await Deadline.$current.withValue(min(end, clock.now() + .seconds(3))) {
                    try await images.usedBytes(of: entry.image)
                }
            }
            return used
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a removed volume a volume again, with its data, options, policy and snapshots.",
            discussion: """
                The command refuses a name that another volume or image has. If it is interrupted, the same command finishes it.

                Example: rbd-plugin trash restore db --as db-of-yesterday
                """)

        @OptionGroup var entry: TrashArguments

        @Option(name: .customLong("as"), help: "The name that the volume is to have, if not its old one.")
        var newName: String?

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                let volume = try await session.trash.restore(entry.entry, as: newName)
                print("Restored volume \(volume.name.given) (\(volume.spec.size), image \(volume.image)).")
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Delete a removed volume for good, before its time.",
            discussion: """
                Its data and all its snapshots are gone then. A large volume takes a while.

                Example: rbd-plugin trash rm db
                """)

        @OptionGroup var entry: TrashArguments

        @Flag(name: .shortAndLong, help: "Do not ask.")
        var yes = false

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                let what = "delete volume \(entry.entry) from the trash"
                let found = try await session.trash.find(entry.entry, to: what)
                let until = found.image.keptUntil.map { ", which the trash keeps until \($0)" } ?? ""
                let question =
                    "Delete the data and the snapshots of volume \(found.image.volume) (id \(found.image.id))\(until)?"
                guard yes || Confirmation.ask(question) else { throw OperatorSession.Failed("Nothing was changed.") }
                try await session.trash.remove(found)
                print("Deleted volume \(found.image.volume) (id \(found.image.id)) from the trash.")
            }
        }
    }

    private static func tell(_ place: TrashPlace, _ error: any Error) {
        let name = place.namespace.isEmpty ? place.pool : "\(place.pool)/\(place.namespace)"
        Output.write([UInt8]("rbd-plugin: left out pool \(name): \(error)\n".utf8), to: STDERR_FILENO)
    }
}

/// Which entry a command is about.
struct TrashArguments: ParsableArguments {
    @Argument(help: "The volume's name, its uid, or the id of its image.")
    var entry: String
}

/// An entry, as programs read it.
private struct TrashRow: Encodable {
    let name: String
    let id: String
    let uid: String
    let sizeBytes: UInt64
    /// Absent where it is not known.
    let usedBytes: UInt64?
    let pool: String
    let namespace: String
    let removedAt: String?
    let removedBy: String?
    let keptUntil: String
    /// What somebody has begun to do about it.
    let state: String?

    var used: String { usedBytes.map { "\(VolumeSize.mebibytes(($0 + (1 << 20) - 1) >> 20))" } ?? "?" }

    init(_ found: KeptImage, _ usedBytes: UInt64?, _ claim: TrashClaim?) {
        self.usedBytes = usedBytes
        name = found.kept?.volume.name.given ?? found.image.volume.text
        id = found.image.id
        uid = found.image.uid
        sizeBytes = found.size.bytes
        pool = found.image.place.pool
        namespace = found.image.place.namespace
        removedAt = found.kept?.term.at.description
        removedBy = found.kept?.term.by
        keptUntil = found.image.keptUntil?.description ?? ""
        state = claim.map { claim in
            switch claim.purpose {
            case .restoring: "restored by \(claim.by) as \(claim.name?.text ?? "?") since \(claim.since)"
            case .emptying: "deleted by \(claim.by) since \(claim.since)"
            }
        }
    }
}

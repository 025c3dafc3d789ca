import ArgumentParser
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin snapshot …`
struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Take, list, hold and remove snapshots of volumes, and roll volumes back.",
        subcommands: [Create.self, List.self, RollBack.self, Hold.self, Unhold.self, Remove.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a snapshot of a volume, also while containers use it.",
            discussion: """
                While a node has the volume mounted, it freezes the filesystem for the snapshot, for 5 seconds at most: who \
                writes waits that long, and the filesystem in the snapshot is whole. Where the node cannot, or with \
                --no-freeze, the snapshot is as the disk is after a power cut: the filesystem repairs that by its journal. \
                Databases repair either kind by their own journals. The output says what kind it is.

                Example: rbd-plugin snapshot create db before-upgrade
                """)

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        @Argument(help: "The snapshot's name: letters, digits, '_', '.' and '-'.")
        var snapshot: String

        @Flag(inversion: .prefixedNo, help: "Freeze the filesystem of a mounted volume for the snapshot.")
        var freeze = true

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                let taken = try await session.snapshots.create(snapshot, of: volume, frozen: freeze)
                print("Took snapshot \(taken.name) of volume \(volume) (\(taken.size), \(taken.content)).")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the snapshots of a volume, oldest first.",
            discussion: "Example: rbd-plugin snapshot ls db")

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        @Flag(help: "Print a JSON array, for programs.")
        var json = false

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                let all = try await session.snapshots.list(volume)
                let clones = try await session.snapshots.clones(of: volume, madeOf: all, in: session.images)
                if json { return print(try RecordOutput.json(all.map { SnapshotRow($0, clones[$0.id] ?? []) })) }
                let now = SystemClock().wallTime()
                var table = Table("NAME", "SIZE", "TAKEN", "AGE", "KIND", "CONTENT", "HELD", "BY", "USED BY")
                for snapshot in all {
                    table.add(
                        snapshot.name, "\(snapshot.size)", "\(snapshot.takenAt)", Age.text(now - snapshot.takenAt),
                        snapshot.kind.rawValue, snapshot.content, snapshot.mark?.isHeld == true ? "yes" : "no",
                        snapshot.mark?.by ?? "", clones[snapshot.id]?.joined(separator: ", ") ?? "")
                }
                print(table.text)
            }
        }
    }

    struct RollBack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollback", abstract: "Bring a volume back to what it was: what was written since is lost.",
            discussion: """
                No node may have the volume mounted, and none can mount it before the rollback is done. A node that runs the                 plugin does it; when that one dies, another begins again. The command waits; if you interrupt it, the nodes                 still carry on. A volume that has grown since grows again when it is mounted.

                Example: rbd-plugin snapshot rollback db before-upgrade
                """)

        @OptionGroup var named: SnapshotArguments

        @Flag(name: .shortAndLong, help: "Do not ask.")
        var yes = false

        @OptionGroup var wait: RequestWait

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                let found = try await session.snapshots.find(named.snapshot, of: named.volume)
                if !yes {
                    let question =
                        "What was written to volume \(named.volume) since \(found.takenAt) will be lost. Roll it back?"
                    guard Confirmation.ask(question) else { throw OperatorSession.Failed("Nothing was changed.") }
                }
                let asked = try await session.requests.ask(
                    .rollBack(snapshot: found.id, name: found.name), of: named.volume)
                guard !wait.noWait else {
                    return print("Volume \(named.volume) will be rolled back to \(found.name).")
                }
                print("Volume \(named.volume): \(try await wait.end(of: asked, named.volume, session)).")
            }
        }
    }

    struct Hold: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a snapshot from being removed.",
            discussion: "Example: rbd-plugin snapshot hold db before-upgrade")

        @OptionGroup var named: SnapshotArguments

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                try await session.snapshots.hold(named.snapshot, of: named.volume, true)
                print("Snapshot \(named.snapshot) of volume \(named.volume) is held.")
            }
        }
    }

    struct Unhold: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a snapshot be removed again.",
            discussion: "Example: rbd-plugin snapshot unhold db before-upgrade")

        @OptionGroup var named: SnapshotArguments

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                try await session.snapshots.hold(named.snapshot, of: named.volume, false)
                print("Snapshot \(named.snapshot) of volume \(named.volume) is not held any more.")
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a snapshot that the plugin has taken and nobody holds.",
            discussion: """
                With --scheduled all snapshots go that the plugin has taken by the volume's schedule, but for those that are held. \
                As long as the schedule goes on, it takes new ones: 'rbd-plugin volume set VOLUME snapshots=off' ends it.

                Example: rbd-plugin snapshot rm db --scheduled
                """)

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        @Argument(help: "The snapshot's name.")
        var snapshot: String?

        @Flag(help: "Remove all snapshots that were taken by schedule.")
        var scheduled = false

        func validate() throws {
            guard (snapshot == nil) == scheduled else {
                throw ValidationError("give the name of a snapshot, or --scheduled for all that were taken by schedule")
            }
        }

        func run() async throws {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: false)
                if let snapshot {
                    try await session.snapshots.remove(snapshot, of: volume)
                    print("Removed snapshot \(snapshot) of volume \(volume).")
                } else {
                    let count = try await session.snapshots.removeScheduled(of: volume)
                    print("Removed \(count) scheduled snapshots of volume \(volume).")
                }
            }
        }
    }
}

/// Which snapshot a command is about.
struct SnapshotArguments: ParsableArguments {
    @Argument(help: "The volume's name.", completion: Offered.volumes)
    var volume: String

    @Argument(help: "The snapshot's name.")
    var snapshot: String
}

/// A snapshot, as programs read it.
private struct SnapshotRow: Encodable {
    let id: UInt64
    let name: String
    let sizeBytes: UInt64
    let takenAt: String
    let kind: String
    let content: String?
    let slot: String?
    let held: Bool
    let by: String?
    let usedBy: [String]

    init(_ snapshot: VolumeSnapshot, _ clones: [String]) {
        id = snapshot.id
        name = snapshot.name
        sizeBytes = snapshot.size.bytes
        takenAt = snapshot.takenAt.description
        kind = snapshot.kind.rawValue
        content = snapshot.mark?.consistency.shown
        slot = snapshot.mark?.slot?.description
        held = snapshot.mark?.isHeld ?? false
        by = snapshot.mark?.by
        usedBy = clones
    }
}

extension VolumeSnapshot {
    /// What it is worth, where the plugin has taken it.
    fileprivate var content: String { mark?.consistency.shown ?? "" }
}

extension SnapshotMark.Consistency {
    fileprivate var shown: String {
        switch self {
        case .unmounted: "unmounted"
        case .frozen: "frozen"
        case .crash: "crash-consistent"
        }
    }
}

/// How old something is, for people: `40s`, `12m`, `3h`, `5d`.
private enum Age {
    static func text(_ age: Duration) -> String {
        let seconds = max(0, age.components.seconds)
        return switch seconds {
        case ..<120: "\(seconds)s"
        case ..<7200: "\(seconds / 60)m"
        case ..<172_800: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }
}

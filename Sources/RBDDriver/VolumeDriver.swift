import Logging
import VolumeCore

/// The use cases: what Docker asks for, done through the ports by the rules of `VolumeCore`.
///
/// Operations on one volume take turns, and so many at a time work on the volumes of one pool; nothing else is serialised.
/// Every operation ends within the budgets of its settings.
public struct VolumeDriver: Sendable {
    public let ports: DriverPorts
    private let budgets: OperationBudgets
    public let me: NodeIdentity
    let rules: DriverRules
    let turns = KeyedLimiter<VolumeName>()
    let slots: KeyedLimiter<String>
    let rounds = KeyedLimiter<String>()
    /// The pools in which the data of removed volumes is being deleted.
    let emptying = KeyedLimiter<String>()
    /// The volumes of which somebody is looking how full they are.
    let looks = KeyedLimiter<VolumeName>()
    /// The pools of which a volume is being trimmed by schedule.
    let trimming = KeyedLimiter<String>()
    let trims = RunningTrims()
    /// The volumes on which this node does the work that somebody has asked for.
    let requested = KeyedLimiter<VolumeName>()
    /// The pools in which this node rolls images back.
    let rollingBack = KeyedLimiter<String>(atOnce: 2)
    /// The pools in which this node takes a scheduled snapshot.
    let snapshotting = KeyedLimiter<String>()
    let scheduleMemory = ScheduleMemory()
    let fences = FenceCounter()
    let memory: DriverMemory
    let space = SpaceMemory()
    let sightings = WatcherSightings()
    let orphans: OrphanSightings
    let log: Logger

    public init(
        ports: DriverPorts, settings: DriverSettings, rules: DriverRules = DriverRules(), me: NodeIdentity, log: Logger
    ) {
        self.ports = ports.seen(by: me.node)
        self.rules = rules
        budgets = OperationBudgets(settings)
        self.me = me
        self.log = log
        slots = KeyedLimiter(atOnce: settings.operationsPerPool)
        orphans = OrphanSightings(startedAt: ports.clock.now())
        memory = DriverMemory(startedAt: ports.clock.now())
    }

    /// As they are now.
    public var settings: DriverSettings { budgets.settings }

    /// Operations, and steps of operations, that begin from now on have these budgets.
    public func changeBudgets(work: Duration, undo: Duration, handOverWait: Duration) {
        budgets.change(work: work, undo: undo, handOverWait: handOverWait)
    }

    /// Runs `body` in the volume's turn and under the operation's deadline.
    func operation<Value: Sendable>(
        _ verb: String, _ name: VolumeName, _ body: () async throws -> Value
    ) async throws -> Value {
        let clock = ports.clock
        return try await Deadline.$current.withValue(clock.now() + settings.workBudget) {
            try await turns.take(
                name, clock: clock,
                else: VolumeError(
                    .timedOut, "\(verb) volume \(name)", why: "another operation on this volume is still running",
                    remedy: "try again; if it lasts, check the plugin's log and 'ceph -s'", outcome: .refused),
                body)
        }
    }

    /// Runs what cleans up after a failure, under a deadline of its own: the operation's may be used up.
    func undoing<Value: Sendable>(_ body: () async throws -> Value) async rethrows -> Value {
        try await Deadline.$current.withValue(ports.clock.now() + settings.undoBudget) { try await body() }
    }

    /// Reads the records, and lets this node's copy know.
    func read(_ name: VolumeName) async throws -> StoredVolume {
        let stored = try await ports.store.read(name)
        ports.catalog.observe(stored)
        return stored
    }

    /// Docker knows a volume by one name: by another that would mean the same image there is none.
    func refuseOtherName(_ name: VolumeName, _ stored: StoredVolume, to verb: String) throws {
        guard let known = stored.volume?.record.name.given, known != name.given else { return }
        throw VolumeError.noSuchVolume(
            "\(verb) volume \(name.given)", remedy: "its image would be that of volume \(known): use that name")
    }

    /// Writes what follows from `stored`.
    /// - Returns: what is stored then; `nil` when the records were changed by somebody else meanwhile.
    func commit(_ change: StoreChange, over stored: StoredVolume) async throws -> StoredVolume? {
        guard let written = try await ports.store.commit(change, over: stored) else { return nil }
        ports.catalog.observe(written)
        return written
    }

    /// Whether the node has a heartbeat; this node is alive by being asked.
    func isAlive(_ node: NodeIdentity?) async throws -> Bool {
        guard let node else { return false }
        return node == me ? true : try await ports.nodes.isAlive(node)
    }
}

extension Logger {
    func step(_ message: Logger.Message, _ name: VolumeName, _ metadata: Logger.Metadata = [:]) {
        info(message, metadata: metadata.merging(["volume": "\(name)"]) { $1 })
    }
}

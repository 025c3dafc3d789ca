import EtcdClient
import VolumeCore

/// The history on etcd. `EtcdVolumeStore` writes it.
public struct EtcdHistory: VolumeHistory {
    private let client: EtcdClient
    private let keys: StateKeys
    private let clock: any DriverClock
    /// The longest that reading or sweeping may take.
    private let timeout: Duration
    private let unreadable: UnreadableKeys

    /// - Parameter unreadable: is told of entries that are left out.
    public init(
        client: EtcdClient, keys: StateKeys, clock: any DriverClock, timeout: Duration, unreadable: UnreadableKeys
    ) {
        self.client = client
        self.keys = keys
        self.clock = clock
        self.timeout = timeout
        self.unreadable = unreadable
    }

    private var remaining: Duration { Deadline.limiting(timeout, now: clock.now()) }

    public func entries(of name: VolumeName?) async throws -> [HistoryEntry] {
        try await read(name).entries
    }

    /// The entries, and then each new one as soon as it is made, until the task is cancelled. Waits for an etcd that does not answer.
    /// - Parameter tell: is given every entry once, the oldest first.
    public func follow(
        of name: VolumeName?, _ tell: @Sendable (HistoryEntry) -> Void
    ) async throws {
        try await VolumeError.explainingEtcd("follow the history") {
            var told: Int64 = 0
            while !Task.isCancelled {
                let read = try await read(name)
                for (entry, revision) in zip(read.entries, read.revisions) where revision > told { tell(entry) }
                told = read.revision
                for try await element in client.watch(.prefix(keys.history), from: told + 1) {
                    guard case .events(let events, let revision) = element else { continue }
                    for entry in events.compactMap(\.keyValue) { if let found = find(entry, name) { tell(found) } }
                    told = revision
                }
            }
        }
    }

    private struct Reading {
        var entries: [HistoryEntry]
        /// Of each entry, the revision that made it.
        var revisions: [Int64]
        var revision: Int64
    }

    private func read(_ name: VolumeName?) async throws -> Reading {
        try await VolumeError.explainingEtcd("read the history") {
            let listed = try await client.list(prefix: keys.history, timeout: remaining)
            let found = listed.kvs.compactMap { entry in find(entry, name).map { (entry.createRevision, $0) } }
                .sorted { $0.0 < $1.0 }
            return Reading(entries: found.map(\.1), revisions: found.map(\.0), revision: listed.revision)
        }
    }

    private func find(_ entry: KeyValue, _ name: VolumeName?) -> HistoryEntry? {
        guard let key = keys.historyKey(of: entry.key), name == nil || name == key.volume else { return nil }
        do throws(VolumeError) {
            return try RecordCodec.decode(HistoryEntry.self, from: entry.value, key: entry.key)
        } catch {
            unreadable.report(error, of: entry.key, revision: entry.modRevision)
            return nil
        }
    }

    /// How many entries one sweep deletes at most, and one transaction of it: etcd takes 128 operations.
    private static let (mostOfASweep, mostAtOnce) = (5000, 100)

    /// Deletes what has been kept for long enough, the oldest first. Several nodes may do so at once.
    ///
    /// Mostly it asks for the oldest key only. A full etcd lets entries be deleted as well.
    /// - Parameter me: the node that sweeps.
    /// - Returns: how many entries it has deleted.
    public func sweep(_ bounds: HistoryBounds, me: String) async throws -> Int {
        try await VolumeError.explainingEtcd("delete what is too old of the history") {
            guard try await mayBeDue(bounds) else { return 0 }
            let listed = try await client.list(prefix: keys.history, keysOnly: true, timeout: remaining)
            let present = listed.kvs.compactMap { keys.historyKey(of: $0.key) }
            let due = HistorySweep.due(present, bounds: bounds, me: me, at: clock.wallTime())
                .prefix(Self.mostOfASweep).map(keys.history)
            for begin in stride(from: 0, to: due.count, by: Self.mostAtOnce) {
                let some = due[begin..<min(due.count, begin + Self.mostAtOnce)]
                let deletion = Transaction(when: [], then: some.map { .delete($0) })
                _ = try await client.transaction(deletion, timeout: remaining)
            }
            return due.count
        }
    }

    private func mayBeDue(_ bounds: HistoryBounds) async throws -> Bool {
        var first = RangeRequest(.prefix(keys.history), limit: 1)
        first.keysOnly = true
        let answer = try await client.range(first, timeout: remaining)
        guard let oldest = answer.kvs.first else { return false }
        if answer.count > min(bounds.perVolume, bounds.inAll) { return true }
        // What somebody else has put there may hide the oldest entry.
        return keys.historyKey(of: oldest.key).map { clock.wallTime() - $0.at > bounds.keep } ?? true
    }
}

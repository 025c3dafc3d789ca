import EtcdClient
import FoundationEssentials
import Logging
import Synchronization
import VolumeCore

/// What `nodes/<node>` in etcd says: this boot of the node is alive. The key lives on a lease.
public struct NodeRecord: Sendable, Hashable, Codable {
    public var schema = RecordStamp.current
    public var reader: Int?
    public var node: String
    public var boot: String
    /// RFC 3339: since when the plugin runs there.
    public var since: String
    public var version: String

    public init(_ identity: NodeIdentity, since: String, version: String) {
        node = identity.node
        boot = identity.boot
        self.since = since
        self.version = version
    }
}

/// Says in etcd that this node is alive, and finds out whether this host is the only one of that name. The end of its
/// lease makes the node suspect, nothing more.
///
/// The key is written only where it is absent or this boot's own, so two living hosts never both have it.
public final class NodeHeartbeat: Sendable {
    private struct State {
        var rule: StandingRule
        var hasHeld = false
        /// When the beat began that found the name to be this boot's last.
        var heldAt: ContinuousClock.Instant?
        var failure: String?
    }

    private let client: EtcdClient
    private let keys: StateKeys
    private let record: NodeRecord
    private let ttl: Duration
    private let clock: any DriverClock
    private let log: Logger
    private let state: Mutex<State>

    /// - Parameter ttl: after so long without a sign of life other nodes hold this one for dead.
    public init(
        client: EtcdClient, keys: StateKeys, record: NodeRecord, ttl: Duration, clock: any DriverClock, log: Logger
    ) {
        self.client = client
        self.keys = keys
        self.record = record
        self.ttl = ttl
        self.clock = clock
        self.log = log
        state = Mutex(State(rule: StandingRule(me: record, ttl: ttl)))
    }

    /// A name that has not been confirmed for as long as the lease lasts may be another host's by now.
    public var standing: NodeStanding {
        state.withLock { state in
            guard state.rule.standing == .mine, let heldAt = state.heldAt else { return state.rule.standing }
            return heldAt.duration(to: .now) < ttl ? .mine : .unknown
        }
    }

    /// Whether this boot has ever had the name since the plugin started. What it did then may have to be looked after.
    public var hasHeldName: Bool { state.withLock(\.hasHeld) }

    /// Why the last beat failed; `nil` when it did not.
    public var failure: String? { state.withLock(\.failure) }

    /// Beats until the task is cancelled.
    /// - Parameters:
    ///   - mayBeat: `false` while this plugin has no business below the prefix.
    ///   - isIdle: whether the lease can be given back at the end, since nothing here is in use: the next boot need not
    ///     wait for it. A node with mounts keeps it for as long as it lasts: until then nobody takes them away.
    public func run(
        mayBeat: @Sendable () -> Bool = { true }, isIdle: @Sendable () -> Bool
    ) async {
        var lease: LeaseID?
        while !Task.isCancelled {
            guard mayBeat() else {
                try? await clock.sleep(for: .seconds(1))
                continue
            }
            do {
                lease = try await beat(on: lease)
                state.withLock { $0.failure = nil }
            } catch {
                if Task.isCancelled { break }
                state.withLock { $0.failure = "\(error)" }
                log.warning("the heartbeat in etcd failed; trying again", metadata: ["error": "\(error)"])
            }
            let pause = failure == nil && standing == .mine ? ttl / 3 : .seconds(1)
            try? await clock.sleep(for: pause)
        }
        guard let lease, standing == .mine, isIdle() else { return }
        // This task is cancelled already.
        await Task { [client] in try? await client.revoke(lease, timeout: .seconds(2)) }.value
    }

    /// - Returns: the lease to go on with; `nil` while the name is another boot's.
    private func beat(on lease: LeaseID?) async throws -> LeaseID? {
        let began = ContinuousClock.now
        var lease = lease
        if let living = lease, try await client.keepAlive(living) == nil {
            log.warning("the heartbeat's lease has expired; taking a new one")
            lease = nil
        }
        let key = keys.node(record.node)
        let entry = try await client.get(key)
        let found = try entry.map { try RecordCodec.decode(NodeRecord.self, from: $0.value, key: key) }
        if let found, !state.withLock({ $0.rule.mayWrite(over: found) }) {
            meet(found)
            return nil
        }
        if let lease, let entry, entry.lease == lease {
            hold(since: began)
            return lease
        }
        let granted = if let lease { lease } else { try await client.grantLease(ttl: ttl).id }
        let value = try RecordCodec.encode(record, write: record.boot)
        let write = Transaction(
            when: [entry.map { .modRevision(key, equals: $0.modRevision) } ?? .keyAbsent(key)],
            then: [.put(key, value, lease: granted)])
        if try await client.transaction(write).succeeded { hold(since: began) }
        return granted
    }

    private func hold(since began: ContinuousClock.Instant) {
        let before = state.withLock { state in
            defer {
                state.rule.hold()
                state.hasHeld = true
                state.heldAt = began
            }
            return state.rule.standing
        }
        if before == .mine || before == .unknown { return }
        log.info("this node's name is free again; this host takes it", metadata: ["node": "\(record.node)"])
    }

    private func meet(_ other: NodeRecord) {
        let (before, now) = state.withLock { state in
            let before = state.rule.standing
            state.rule.meet(other, at: .now)
            return (before, state.rule.standing)
        }
        guard before != now else { return }
        let details: Logger.Metadata = [
            "node": "\(other.node)", "boot": "\(other.boot)", "since": "\(other.since)", "version": "\(other.version)",
        ]
        if case .taken = now {
            log.error("another host uses this node's name; this plugin refuses to work", metadata: details)
        } else {
            log.warning("another boot holds this node's name; waiting to see whether it is alive", metadata: details)
        }
    }
}

/// Who is alive, by the heartbeats in etcd.
public struct EtcdNodeDirectory: NodeDirectory {
    private let client: EtcdClient
    private let keys: StateKeys
    private let clock: any DriverClock
    private let timeout: Duration
    private let unreadable: UnreadableKeys

    /// - Parameter unreadable: is told of the nodes that are left out.
    public init(
        client: EtcdClient, keys: StateKeys, clock: any DriverClock, timeout: Duration, unreadable: UnreadableKeys
    ) {
        self.unreadable = unreadable
        self.client = client
        self.keys = keys
        self.clock = clock
        self.timeout = timeout
    }

    /// Every node that is alive, by name.
    public func living() async throws -> [NodeRecord] {
        do {
            let limit = Deadline.limiting(timeout, now: clock.now())
            let listed = try await client.list(prefix: keys.node(""), timeout: limit)
            return listed.kvs.compactMap(readable)
        } catch {
            throw VolumeError(etcd: error, "list the live nodes")
        }
    }

    private func readable(_ entry: KeyValue) -> NodeRecord? {
        do throws(VolumeError) {
            return try RecordCodec.decode(NodeRecord.self, from: entry.value, key: entry.key)
        } catch {
            unreadable.report(error, of: entry.key, revision: entry.modRevision)
            return nil
        }
    }

    public func isAlive(_ node: NodeIdentity) async throws -> Bool {
        do {
            let key = keys.node(node.node)
            let limit = Deadline.limiting(timeout, now: clock.now())
            guard let entry = try await client.get(key, timeout: limit) else { return false }
            return try RecordCodec.decode(NodeRecord.self, from: entry.value, key: key).boot == node.boot
        } catch let error as EtcdError {
            throw VolumeError(etcd: error, "find out whether node \(node.node) is alive")
        }
    }
}

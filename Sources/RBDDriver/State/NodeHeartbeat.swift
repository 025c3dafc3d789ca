import EtcdClient
import FoundationEssentials
import Logging
import VolumeCore

/// What `nodes/<node>` in etcd says: this boot of the node is alive. The key lives on a lease.
public struct NodeRecord: Sendable, Hashable, Codable {
    public static let currentSchema = 1

    public var schema: Int
    public var node: String
    public var boot: String
    /// RFC 3339: since when the plugin runs there.
    public var since: String
    public var version: String

    public init(_ identity: NodeIdentity, since: String, version: String) {
        schema = Self.currentSchema
        node = identity.node
        boot = identity.boot
        self.since = since
        self.version = version
    }
}

/// Says in etcd that this node is alive. The end of its lease makes the node suspect, nothing more.
public struct NodeHeartbeat: Sendable {
    private let client: EtcdClient
    private let keys: StateKeys
    private let record: NodeRecord
    private let ttl: Duration
    private let clock: any DriverClock
    private let log: Logger

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
    }

    /// Beats until the task is cancelled; then gives the lease back.
    public func run() async {
        while !Task.isCancelled {
            do {
                let lease = try await client.grantLease(ttl: ttl)
                try await beat(on: lease.id)
            } catch is CancellationError {
                return
            } catch {
                log.warning("the heartbeat in etcd failed; it is tried again", metadata: ["error": "\(error)"])
            }
            try? await clock.sleep(for: .seconds(1))
        }
    }

    private func beat(on lease: LeaseID) async throws {
        let value = try RecordCodec.encode(record, write: record.boot)
        _ = try await client.put(keys.node(record.node), value, lease: lease)
        while try await client.keepAlive(lease) != nil {
            do {
                try await clock.sleep(for: ttl / 3)
            } catch {
                return
            }
        }
        log.warning("the heartbeat's lease has run out; a new one is taken")
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
            throw VolumeError(etcd: error, "list the nodes that are alive")
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

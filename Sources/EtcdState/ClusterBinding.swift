import EtcdClient
import Synchronization
import VolumeCore

/// What the key `cluster` says: whose volumes the records below the prefix are.
public struct ClusterRecord: Sendable, Hashable, Codable {
    public var schema = RecordStamp.current
    public var reader: Int?
    /// Of the Ceph cluster.
    public var fsid: String
    /// RFC 3339: since when.
    public var since: String

    public init(fsid: String, since: String) {
        self.fsid = fsid
        self.since = since
    }
}

/// Ties the records below the prefix to one Ceph cluster. Two clusters' plugins with one prefix would take each other's
/// volumes for their own: an image that is absent here would be created anew, or its record removed.
public final class ClusterBinding: Sendable {
    private let client: EtcdClient
    private let keys: StateKeys
    private let clock: any DriverClock
    private let timeout: Duration
    private let fsid: @Sendable () async throws -> String
    private let owner = Mutex(Owner.unknown)

    private enum Owner: Equatable { case unknown, mine(home: String?), other }

    /// - Parameters:
    ///   - timeout: the longest that one request to etcd may take.
    ///   - fsid: of the cluster that this plugin uses; throws as calls to Ceph do.
    public init(
        client: EtcdClient, keys: StateKeys, clock: any DriverClock, timeout: Duration,
        fsid: @escaping @Sendable () async throws -> String
    ) {
        self.client = client
        self.keys = keys
        self.clock = clock
        self.timeout = timeout
        self.fsid = fsid
    }

    /// Whether the records are known to be of this plugin's cluster.
    public var isBound: Bool {
        owner.withLock { if case .mine = $0 { true } else { false } }
    }

    /// Which set of records it is; `nil` as long as they are not known to be of this plugin's cluster.
    public var home: String? {
        owner.withLock { if case .mine(let home) = $0 { home } else { nil } }
    }

    /// Whether they were another cluster's when they were looked at last.
    public var isForeign: Bool { owner.withLock { $0 == .other } }

    /// Makes sure of it. Once it is known, nobody is asked again.
    /// - Parameter claiming: whether records that are no cluster's yet become this one's.
    /// - Throws: `VolumeError`, `conflict` when they are another cluster's.
    public func require(claiming: Bool = true) async throws {
        if isBound { return }
        let mine = try await fsid()
        let recorded = try await recorded(orClaimFor: claiming ? mine : nil)
        guard let recorded, recorded.fsid != mine else {
            let home = recorded.map { HomeName.make(fsid: $0.fsid, since: $0.since) }
            if claiming || recorded != nil { owner.withLock { $0 = .mine(home: home) } }
            return
        }
        owner.withLock { $0 = .other }
        throw VolumeError(
            .conflict, "use the records in etcd below \(keys.prefix)",
            why: "they belong to the Ceph cluster \(recorded.fsid), but this plugin uses the Ceph cluster \(mine)",
            remedy: "give the plugin of each cluster an ETCD_PREFIX of its own", outcome: .refused)
    }

    /// - Returns: what stands in etcd in the end; `nil` when nothing does and nothing was claimed.
    private func recorded(orClaimFor mine: String?) async throws -> ClusterRecord? {
        let key = keys.cluster
        do {
            let claimed = mine.map { ClusterRecord(fsid: $0, since: clock.timestamp()) }
            let then = try claimed.map { [Operation.put(key, try RecordCodec.encode($0, write: $0.fsid))] } ?? []
            let limit = Deadline.limiting(timeout, now: clock.now())
            let claim = Transaction(when: [.keyAbsent(key)], then: then, otherwise: [.get(key)])
            let answer = try await client.transaction(claim, timeout: limit)
            guard !answer.succeeded, let entry = answer.responses.flatMap(\.kvs).first else { return claimed }
            return try RecordCodec.decode(ClusterRecord.self, from: entry.value, key: key)
        } catch let error as EtcdError {
            throw VolumeError(etcd: error, "find out which Ceph cluster the records belong to")
        }
    }
}

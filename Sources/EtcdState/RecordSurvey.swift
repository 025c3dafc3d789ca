import EtcdClient
import VolumeCore

/// Reads all records below the prefix, for people who want to know what is wrong with them. Only reads.
public struct RecordSurvey: Sendable {
    /// A key that cannot be read.
    public struct Unreadable: Sendable {
        public var key: String
        public var error: VolumeError
    }

    /// Who has a node's name.
    public struct NodeHolder: Sendable, Hashable {
        public var record: NodeRecord
        /// What is left of its lease, and what that was granted for; `nil` for a key without a lease.
        public var lease: Lease?

        public struct Lease: Sendable, Hashable {
            public var remaining: Duration
            public var granted: Duration

            public init(remaining: Duration, granted: Duration) {
                self.remaining = remaining
                self.granted = granted
            }
        }

        public init(record: NodeRecord, lease: Lease?) {
            self.record = record
            self.lease = lease
        }

        /// A living plugin renews its lease when a third of it is over. A lease of which half is over belongs to one that is dead,
        /// or cut off.
        public var isBeating: Bool { lease.map { $0.remaining * 2 > $0.granted } ?? true }
    }

    /// What was read.
    public struct Records: Sendable {
        public var volumes: [StoredVolume]
        public var living: [NodeRecord]
        public var unreadable: [Unreadable]
        /// The cluster that the records belong to; `nil` when none has used the prefix yet.
        public var fsid: String?
        /// Who has the name that was asked for.
        public var holder: NodeHolder?
    }

    private let client: EtcdClient
    private let keys: StateKeys
    private let timeout: Duration

    public init(client: EtcdClient, keys: StateKeys, timeout: Duration) {
        self.client = client
        self.keys = keys
        self.timeout = timeout
    }

    /// - Parameter node: the name whose holder is looked for.
    /// - Throws: `VolumeError`.
    public func read(node: String) async throws -> Records {
        try await VolumeError.explainingEtcd("read all records") {
            let listed = try await client.list(keys.records, timeout: timeout)
            var records = Records(volumes: [], living: [], unreadable: [], fsid: nil, holder: nil)
            var volumes = StoredVolumes(keys: keys)
            var holdersKey: KeyValue?
            for entry in listed.kvs {
                do throws(VolumeError) {
                    try volumes.take(entry)
                    try takeOther(entry, into: &records)
                } catch {
                    records.unreadable.append(Unreadable(key: entry.key, error: error))
                }
                if entry.key == keys.node(node) { holdersKey = entry }
            }
            records.volumes = volumes.sorted(at: listed.revision)
            if let holdersKey, let record = records.living.first(where: { $0.node == node }) {
                records.holder = NodeHolder(record: record, lease: try await lease(of: holdersKey))
            }
            return records
        }
    }

    /// What is no volume's.
    private func takeOther(_ entry: KeyValue, into records: inout Records) throws(VolumeError) {
        if entry.key.hasPrefix(keys.node("")) {
            records.living.append(try RecordCodec.decode(NodeRecord.self, from: entry.value, key: entry.key))
        } else if entry.key == keys.cluster {
            records.fsid = try RecordCodec.decode(ClusterRecord.self, from: entry.value, key: entry.key).fsid
        } else if entry.key == keys.global {
            _ = try GlobalRecord.decode(entry)
        } else if try keys.policyName(of: entry.key) != nil {
            _ = try StoredPolicies.decode(entry)
        }
    }

    private func lease(of entry: KeyValue) async throws(EtcdError) -> NodeHolder.Lease? {
        guard let id = entry.lease, let status = try await client.timeToLive(id, timeout: timeout) else { return nil }
        return NodeHolder.Lease(remaining: status.remaining, granted: status.granted)
    }
}

import VolumeCore

/// What was seen of the whole, each part by itself: what does not answer costs no more than what it would have said.
public struct StatusSeen: Sendable {
    /// One neighbour.
    public enum Backend: Sendable, Hashable {
        /// - Parameter detail: in a few words what it said of itself.
        case answers(detail: String)
        case silent(reason: String)
    }

    /// A node that has a heartbeat.
    public struct LivingNode: Sendable, Hashable {
        public var identity: NodeIdentity
        /// RFC 3339.
        public var since: String
        /// Of its plugin.
        public var version: String

        public init(identity: NodeIdentity, since: String, version: String) {
            self.identity = identity
            self.since = since
            self.version = version
        }
    }

    public struct UnreadableKey: Sendable, Hashable {
        public var key: String
        public var reason: String

        public init(key: String, reason: String) {
            self.key = key
            self.reason = reason
        }
    }

    /// All that etcd records, read at one revision.
    public struct Records: Sendable {
        public var volumes: [StoredVolume]
        public var living: [LivingNode]
        public var unreadable: [UnreadableKey]
        /// The Ceph cluster that the records belong to; `nil` while none has used the prefix.
        public var fsid: String?

        public init(
            volumes: [StoredVolume] = [], living: [LivingNode] = [], unreadable: [UnreadableKey] = [],
            fsid: String? = nil
        ) {
            self.volumes = volumes
            self.living = living
            self.unreadable = unreadable
            self.fsid = fsid
        }
    }

    public var now: WallTime
    public var etcd: Backend
    /// `nil` when etcd did not tell them.
    public var records: Records?
    public var ceph: Backend
    /// The Ceph cluster that answers.
    public var fsid: String?
    /// What Ceph itself calls an error.
    public var cephErrors: [String]

    public init(
        now: WallTime, etcd: Backend, records: Records?, ceph: Backend, fsid: String? = nil, cephErrors: [String] = []
    ) {
        self.now = now
        self.etcd = etcd
        self.records = records
        self.ceph = ceph
        self.fsid = fsid
        self.cephErrors = cephErrors
    }
}

import VolumeCore

/// The whole at a glance: `rbd-plugin status`.
public struct ClusterStatus: Sendable {
    /// How many volumes there are of each kind.
    public struct Volumes: Encodable, Sendable, Hashable {
        public var total: Int
        public var creating: Int
        public var ready: Int
        public var removing: Int
        /// Those that a node has, in whatever state.
        public var mounted: Int
    }

    public let etcd: StatusSeen.Backend
    public let ceph: StatusSeen.Backend
    /// This and what follows are `nil` when etcd does not answer: nobody knows then.
    public let nodes: [NodeRow]?
    public let volumes: Volumes?
    public let unfinished: [Unfinished]?
    public let troubles: [Trouble]

    public init(_ seen: StatusSeen) {
        (etcd, ceph) = (seen.etcd, seen.ceph)
        troubles = TroubleRule.troubles(seen)
        guard let records = seen.records else {
            (nodes, volumes, unfinished) = (nil, nil, nil)
            return
        }
        nodes = NodeRow.rows(living: records.living, volumes: records.volumes)
        unfinished = Unfinished.all(records.volumes)
        let phases = records.volumes.compactMap(\.volume?.record.phase)
        volumes = Volumes(
            total: phases.count, creating: phases.count { $0 == .creating }, ready: phases.count { $0 == .ready },
            removing: phases.count { $0 == .removing }, mounted: records.volumes.count { !$0.allMounts.isEmpty })
    }

    /// For scripts: the program's exit status is 0, else 1.
    public var isWell: Bool { troubles.isEmpty }

    /// In a sentence.
    public var conclusion: String {
        isWell ? "Nothing is wrong." : "\(TroubleRule.count(troubles.count, "thing")) wrong."
    }
}

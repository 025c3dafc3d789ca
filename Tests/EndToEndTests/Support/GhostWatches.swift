import Rig

/// Watches of processes that are long dead. An OSD that had not registered a watch wholly when the connection broke never
/// forgets it by itself, but when its placement group is peered anew.
actor GhostWatches {
    private let ceph: CephRig
    private var last = ContinuousClock.now
    private(set) var exorcisms = 0

    init(_ ceph: CephRig) { self.ceph = ceph }

    /// As `ceph pg repeer` does, which a cluster of one OSD refuses. Once in 40 s at most, for what is left of a process
    /// that has just died may take 30 s to go.
    func exorcise() async throws {
        guard ContinuousClock.now > last + .seconds(40) else { return }
        last = .now
        exorcisms += 1
        try await ceph.ceph("osd", "down", "0")
    }
}

/// What came of taking a snapshot.
public struct TakenSnapshot: Sendable, Hashable {
    public var snapshot: VolumeSnapshot
    /// Whether Ceph took it during this call. If not, an earlier attempt took it, which may have been another node's: what holds of
    /// the volume now need not have held then.
    public var isNew: Bool

    public init(_ snapshot: VolumeSnapshot, isNew: Bool) {
        self.snapshot = snapshot
        self.isNew = isNew
    }

    /// Ceph's number of it.
    public var id: UInt64 { snapshot.id }
}

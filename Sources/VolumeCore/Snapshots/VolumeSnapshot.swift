/// A snapshot of a volume's image, as far as people can see it.
public struct VolumeSnapshot: Sendable, Hashable {
    /// Ceph's number of it, which no other snapshot of the pool ever has.
    public var id: UInt64
    public var name: String
    /// The size that the image had.
    public var size: VolumeSize
    /// When Ceph took it.
    public var takenAt: WallTime
    /// What the plugin has noted of it; `nil` when others have taken it.
    public var mark: SnapshotMark?
    /// Whether it cannot be removed because somebody protected it in Ceph, as for a clone of the old kind.
    public var isProtected: Bool

    public init(
        id: UInt64, name: String, size: VolumeSize, takenAt: WallTime, mark: SnapshotMark?, isProtected: Bool = false
    ) {
        self.id = id
        self.name = name
        self.size = size
        self.takenAt = takenAt
        self.mark = mark
        self.isProtected = isProtected
    }
}

/// What the plugin notes of a snapshot that it takes, in the image itself, under the snapshot's number: a person's snapshot of the
/// same name does not have it.
public struct SnapshotMark: Sendable, Hashable, Codable {
    /// What its content is worth.
    public enum Consistency: String, Sendable, Hashable, Codable, CaseIterable {
        /// No node had the volume mounted: the filesystem is whole.
        case unmounted
        /// The filesystem was frozen for it: the filesystem is whole.
        case frozen
        /// As after a power cut: the filesystem repairs itself by its journal, programs by theirs.
        case crash
    }

    public var consistency: Consistency
    /// Who had it taken: `operator@n1`.
    public var by: String
    /// Told apart by it are two attempts to take a snapshot of one name.
    public var token: String
    /// Whether it stays until a person lifts that.
    public var isHeld: Bool

    public init(consistency: Consistency, by: String, token: String, isHeld: Bool = false) {
        self.consistency = consistency
        self.by = by
        self.token = token
        self.isHeld = isHeld
    }
}

/// A filesystem that volumes can carry.
public enum FilesystemType: String, Sendable, Hashable, Codable, CaseIterable {
    case ext4, xfs, btrfs

    /// Below this, the filesystem's own mkfs refuses or makes something of no use; the kernel does not resize a btrfs of
    /// less than 256 MiB.
    public var minimumSize: VolumeSize {
        switch self {
        case .ext4: .mebibytes(8)
        case .xfs: .mebibytes(300)
        case .btrfs: .mebibytes(256)
        }
    }

    /// Beyond this, ext4's group descriptors and their copies are gigabytes that mkfs writes, and that every mount reads.
    public var maximumSize: VolumeSize {
        switch self {
        case .ext4: .gibibytes(64 << 10)
        case .xfs, .btrfs: .maximum
        }
    }
}

/// A filesystem that volumes can carry. What is particular to one stands in a file of its name here, and in one of
/// `NodeStorage`, which has its tools.
public enum FilesystemType: String, Sendable, Hashable, Codable, CaseIterable {
    case ext4, xfs, btrfs

    public var facts: FilesystemFacts {
        switch self {
        case .ext4: .ext4
        case .xfs: .xfs
        case .btrfs: .btrfs
        }
    }
}

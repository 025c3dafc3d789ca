import VolumeCore

/// How much mkfs writes into a sparse file, before it does.
///
/// Measured with e2fsprogs 1.47, xfsprogs 6.1 and btrfs-progs 6.2, and rounded up. What a user's words make larger beyond
/// that is found while mkfs works.
enum ScratchEstimate {
    private static let least: UInt64 = 8 << 20

    static func bytes(_ filesystem: FilesystemType, size: VolumeSize, words: [String]) -> UInt64 {
        switch filesystem {
        case .ext4: least + ext4(size)
        case .xfs: least + xfsLog(size, words) + size.bytes / (1 << 40) * (32 << 10)
        case .btrfs: least
        }
    }

    /// The group descriptors, 64 bytes each, with their copies in the groups 1 and 3^n, 5^n, 7^n; and a few blocks for each
    /// flexible group.
    private static func ext4(_ size: VolumeSize) -> UInt64 {
        let groups = size.bytes / (128 << 20) + 1
        let copies = [3, 5, 7].reduce(2) { $0 + powers(of: $1, below: groups) }
        return copies * (groups * 64 + 4096) + groups / 16 * (size < MkfsCommand.largeExt4 ? 12 << 10 : 1 << 10)
    }

    private static func powers(of base: UInt64, below limit: UInt64) -> UInt64 {
        var (count, power): (UInt64, UInt64) = (0, base)
        while power < limit {
            count += 1
            power *= base
        }
        return count
    }

    /// The log is written as zeros.
    private static func xfsLog(_ size: VolumeSize, _ words: [String]) -> UInt64 {
        if let said = MkfsCommand.xfsLogSize(in: words) { return VolumeSize(parsing: said)?.bytes ?? 0 }
        return min(max(64 << 20, size.bytes / 2048), MkfsCommand.xfsLog.bytes)
    }
}

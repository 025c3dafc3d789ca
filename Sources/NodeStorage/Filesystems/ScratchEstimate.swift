import VolumeCore

/// How much mkfs writes into a sparse file, before it does.
///
/// Measured with e2fsprogs 1.47, xfsprogs 6.1 and btrfs-progs 6.2, and rounded up. What a user's words make larger beyond
/// that is found while mkfs works.
enum ScratchEstimate {
    private static let least: UInt64 = 8 << 20

    static func bytes(_ filesystem: FilesystemType, size: VolumeSize, words: [String]) -> UInt64 {
        least + filesystem.commands.scratch(size, words)
    }
}

/// The superblock of an ext4 that has nothing for e2fsck to do, as far as the superblock tells, and where the rest is that
/// e2fsck would look at. The names of the fields are those of `struct ext4_super_block` in the kernel.
struct Ext4Layout: Sendable, Hashable {
    /// Where the superblock begins, and how long it is.
    static let start = 1024
    static let length = 1024
    /// What is read of group descriptors at most: enough for 2 TB. Of larger filesystems, e2fsck would read as much again.
    static let longestTable = 1 << 20
    static let descriptorLength = 64

    let blockSize: UInt64
    let blocks: UInt64
    let firstBlock: UInt64
    let blocksPerGroup: UInt64
    let inodesPerGroup: UInt32
    let inodeSize: Int
    let groups: Int
    let freeBlocks: UInt64
    let freeInodes: UInt64
    /// What the checksums of everything but the superblock begin with.
    let seed: UInt32
    private let bytes: DiskBytes

    /// - Parameters:
    ///   - bytes: the superblock.
    ///   - size: the device's, in bytes.
    ///   - now: seconds since 1970.
    init(_ bytes: DiskBytes, size: UInt64, now: UInt64) throws(Ext4Doubt) {
        self.bytes = bytes
        try require(bytes.count == Self.length && bytes.little16(0x38) == 0xEF53, .noSuperblock)
        try Self.checkFeatures(bytes)
        try Self.checkState(bytes)
        try Self.checkDates(bytes, now: now)

        let log = bytes.little32(0x18)
        try require(log <= 2 && bytes.little32(0x1C) == log, .implausible)
        blockSize = 1024 << UInt64(log)
        blocks = UInt64(bytes.little32(0x04)) | UInt64(bytes.little32(0x150)) << 32
        firstBlock = UInt64(bytes.little32(0x14))
        blocksPerGroup = UInt64(bytes.little32(0x20))
        inodesPerGroup = bytes.little32(0x28)
        inodeSize = Int(bytes.little16(0x58))
        freeBlocks = UInt64(bytes.little32(0x0C)) | UInt64(bytes.little32(0x158)) << 32
        freeInodes = UInt64(bytes.little32(0x10))
        try require(firstBlock == (log == 0 ? 1 : 0) && blocks > firstBlock && blocks < 1 << 48, .implausible)
        try require(blocks <= size / blockSize, .tooLarge)
        try require((8...(8 * blockSize)).contains(blocksPerGroup), .implausible)
        let count = (blocks - firstBlock + blocksPerGroup - 1) / blocksPerGroup
        try require(count <= UInt64(Self.longestTable / Self.descriptorLength), .manyGroups)
        groups = Int(count)
        // s_checksum_seed, or that of the uuid.
        var ofUUID = CRC32C()
        ofUUID.add(bytes.piece(0x68, 16).bytes)
        seed = bytes.little32(0x60) & Feature.checksumSeed != 0 ? bytes.little32(0x270) : ofUUID.value
        try checkNumbers()
    }

    private func checkNumbers() throws(Ext4Doubt) {
        let inodes = UInt64(bytes.little32(0x00))
        let reserved = UInt64(bytes.little32(0x08)) | UInt64(bytes.little32(0x154)) << 32
        try require(UInt64(bytes.little32(0x24)) == blocksPerGroup, .implausible)
        try require(
            inodeSize >= 256 && UInt64(inodeSize) <= blockSize && inodeSize.nonzeroBitCount == 1, .implausible)
        let inodesPerBlock = blockSize / UInt64(inodeSize)
        let mostInodes = min(8 * blockSize, (1 << 16) - inodesPerBlock)
        try require(
            inodesPerBlock <= UInt64(inodesPerGroup) && UInt64(inodesPerGroup) <= mostInodes
                && inodesPerGroup >= Ext4Journal.inode, .implausible)
        try require(table.upperBound <= place(ofBlock: blocks), .implausible)
        try require(inodes == UInt64(inodesPerGroup) * UInt64(groups), .implausible)
        try require(11 <= bytes.little32(0x54) && UInt64(bytes.little32(0x54)) <= inodes, .implausible)
        try require(reserved <= blocks / 2 && freeBlocks <= blocks && freeInodes <= inodes, .implausible)
        // s_reserved_gdt_blocks, s_desc_size, s_log_groups_per_flex
        try require(UInt64(bytes.little16(0xCE)) <= blockSize / 4, .implausible)
        try require(Int(bytes.little16(0xFE)) == Self.descriptorLength && bytes[0x174] <= 31, .implausible)
        // s_min_extra_isize, s_want_extra_isize
        for extra in [bytes.little16(0x15C), bytes.little16(0x15E)] {
            try require(extra == 0 || (4...(inodeSize - 128)).contains(Int(extra)) && extra % 4 == 0, .implausible)
        }
        try require(!bytes.piece(0x68, 16).isBlank, .implausible)
    }

    /// Bits of s_feature_compat, s_feature_incompat and s_feature_ro_compat: those that must be there, and those that may.
    private enum Feature {
        /// has_journal
        static let compatible = UInt32(0x4)
        /// ext_attr, resize_inode, dir_index, orphan_file
        static let mayBeCompatible = UInt32(0x8 | 0x10 | 0x20 | 0x1000)
        /// extents, 64bit, flex_bg
        static let incompatible = UInt32(0x40 | 0x80 | 0x200)
        static let recovery = UInt32(0x4)
        static let checksumSeed = UInt32(0x2000)
        /// filetype
        static let mayBeIncompatible = UInt32(0x2) | checksumSeed
        /// sparse_super, metadata_csum
        static let readOnly = UInt32(0x1 | 0x400)
        static let orphansPresent = UInt32(0x10000)
        /// large_file, huge_file, dir_nlink, extra_isize
        static let mayBeReadOnly = UInt32(0x2 | 0x8 | 0x20 | 0x40)
        /// What a copy of the superblock may lack (`FEATURE_INCOMPAT_IGNORE`, `FEATURE_RO_COMPAT_IGNORE` of e2fsck).
        static let notCopied = (incompatible: UInt32(0x40 | 0x4), readOnly: UInt32(0x2 | 0x20 | 0x10000))
    }

    private static func checkFeatures(_ bytes: DiskBytes) throws(Ext4Doubt) {
        let (compatible, incompatible, readOnly) = (
            bytes.little32(0x5C), bytes.little32(0x60), bytes.little32(0x64)
        )
        // The checksum first: of what is torn, nothing else is true. s_checksum_type 1 is crc32c, s_rev_level 1 has features.
        try require(bytes.little32(0x4C) == 1 && readOnly & 0x400 != 0, .unknownFeatures)
        var sum = CRC32C()
        sum.add(bytes.piece(0, 0x3FC).bytes)
        try require(bytes[0x175] == 1 && bytes.little32(0x3FC) == sum.value, .superblockChecksum)
        try require(incompatible & Feature.recovery == 0, .recovery)
        try require(readOnly & Feature.orphansPresent == 0, .orphans)
        try require(
            has(compatible, Feature.compatible, Feature.mayBeCompatible)
                && has(incompatible, Feature.incompatible, Feature.mayBeIncompatible)
                && has(readOnly, Feature.readOnly, Feature.mayBeReadOnly), .unknownFeatures)
        // s_creator_os: Linux. s_flags: EXT2_FLAGS_TEST_FILESYS is not set, the sign of hashes is known.
        let flags = bytes.little32(0x160)
        try require(bytes.little32(0x48) == 0 && flags & 0x4 == 0, .unknownFeatures)
        try require(compatible & 0x20 == 0 || flags & 0x3 != 0, .unknownFeatures)
        // s_journal_uuid, s_journal_inum, s_journal_dev, s_jnl_backup_type: the journal is in the filesystem, and noted.
        try require(
            bytes.piece(0xD0, 16).isBlank && bytes.little32(0xE0) == UInt32(Ext4Journal.inode)
                && bytes.little32(0xE4) == 0 && bytes[0xFD] == 1, .unknownFeatures)
        // s_usr_quota_inum, s_grp_quota_inum, s_prj_quota_inum
        try require(
            bytes.little32(0x240) == 0 && bytes.little32(0x244) == 0 && bytes.little32(0x26C) == 0, .unknownFeatures)
    }

    private static func has(_ found: UInt32, _ all: UInt32, _ others: UInt32) -> Bool {
        found & all == all && found & ~(all | others) == 0
    }

    private static func checkState(_ bytes: DiskBytes) throws(Ext4Doubt) {
        // s_state: EXT4_VALID_FS and nothing else.
        let state = bytes.little16(0x3A)
        try require(state & 0x2 == 0, .errors)
        try require(state & 0x4 == 0, .orphans)
        try require(state == 0x1, .notUnmounted)
        // s_last_orphan
        try require(bytes.little32(0xE8) == 0, .orphans)
        // From s_error_count to s_last_error_block, and the codes and high parts of the times of both errors.
        try require(bytes.piece(0x194, 0x200 - 0x194).isBlank && bytes.piece(0x278, 4).isBlank, .errors)
        // s_mnt_count, s_max_mnt_count: none at all when it is not above zero.
        let most = Int16(bitPattern: bytes.little16(0x36))
        try require(most <= 0 || Int(bytes.little16(0x34)) < Int(most), .mountCount)
    }

    private static func checkDates(_ bytes: DiskBytes, now: UInt64) throws(Ext4Doubt) {
        // s_checkinterval: without an interval, e2fsck ignores the dates.
        let interval = UInt64(bytes.little32(0x44))
        guard interval != 0 else { return }
        // s_mtime, s_wtime, s_lastcheck, whose high parts are elsewhere.
        let dates = [(0x2C, 0x275), (0x30, 0x274), (0x40, 0x277)].map {
            UInt64(bytes.little32($0.0)) | UInt64(bytes[$0.1]) << 32
        }
        try require(dates.allSatisfy { $0 <= now }, .clock)
        try require(now - dates[2] < interval, .interval)
    }

    /// In bytes from the beginning of the device.
    func place(ofBlock block: UInt64) -> UInt64 { block * blockSize }

    /// Where the group descriptors are.
    var table: Range<UInt64> {
        let start = place(ofBlock: firstBlock + 1)
        return start..<(start + UInt64(groups * Self.descriptorLength))
    }

    /// Where the first copy of the superblock is; `nil` when there is none.
    var copy: UInt64? { groups > 1 ? place(ofBlock: firstBlock + blocksPerGroup) : nil }

    /// Looks at the first copy of the superblock: the kernel does not write there, and so it tells of what happened to this one.
    func compare(copy: DiskBytes) throws(Ext4Doubt) {
        try require(copy.count == Self.length && copy.little16(0x38) == 0xEF53, .copy)
        let masks: [(offset: Int, ignored: UInt32)] = [
            (0x4C, 0), (0x18, 0), (0x5C, 0), (0x60, Feature.notCopied.incompatible),
            (0x64, Feature.notCopied.readOnly), (0x04, 0), (0x150, 0), (0x00, 0),
        ]
        for (offset, ignored) in masks {
            try require(copy.little32(offset) & ~ignored == bytes.little32(offset) & ~ignored, .copy)
        }
        try require(copy.piece(0x68, 16) == bytes.piece(0x68, 16), .copy)
    }

    /// What the superblock notes of the journal's inode: where its blocks are, and its size in bytes.
    var notedJournal: (blocks: DiskBytes, size: UInt64) {
        (bytes.piece(0x10C, 60), UInt64(bytes.little32(0x14C)) | UInt64(bytes.little32(0x148)) << 32)
    }
}

/// - Throws: the doubt, unless it is dispelled.
func require(_ condition: Bool, _ doubt: Ext4Doubt) throws(Ext4Doubt) {
    guard condition else { throw doubt }
}

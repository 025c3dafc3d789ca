/// Where the journal of an ext4 is, and whether it is at rest. A journal that says it has something to replay, or that it has
/// met an error, is believed more than the superblock.
struct Ext4Journal: Sendable, Hashable {
    /// EXT4_JOURNAL_INO
    static let inode = 8
    /// How long the journal's own superblock is (`journal_superblock_t`).
    static let length = 1024
    /// JBD2_MIN_JOURNAL_BLOCKS
    private static let fewestBlocks: UInt64 = 1024

    /// Its first block.
    let start: UInt64
    private let blocks: UInt64
    private let blockSize: UInt64
    private let mapping: DiskBytes
    private let size: UInt64
    private let seed: UInt32

    /// As the superblock notes it, so that journal and inode are read side by side.
    init(notedBy layout: Ext4Layout) throws(Ext4Doubt) {
        (mapping, size) = layout.notedJournal
        (blockSize, seed) = (layout.blockSize, layout.seed)
        blocks = size / blockSize
        try require(size % blockSize == 0 && blocks >= Self.fewestBlocks && blocks <= layout.blocks, .journalInode)
        start = try Self.start(of: mapping, blocks, layout)
    }

    /// The blocks of a file whose extents all stand in its inode (`struct ext4_extent_header`, `struct ext4_extent`), in order
    /// and without a hole.
    private static func start(
        of mapping: DiskBytes, _ blocks: UInt64, _ layout: Ext4Layout
    ) throws(Ext4Doubt) -> UInt64 {
        try require(mapping.little16(0) == 0xF30A, .journalInode)
        try require(mapping.little16(6) == 0, .manyExtents)
        let count = Int(mapping.little16(2))
        try require((1...4).contains(count), .journalInode)
        var next: UInt64 = 0
        for offset in (0..<count).map({ 12 + $0 * 12 }) {
            let length = UInt64(mapping.little16(offset + 4))
            let place = UInt64(mapping.little32(offset + 8)) | UInt64(mapping.little16(offset + 6)) << 32
            // Longer ones are not written yet.
            try require(UInt64(mapping.little32(offset)) == next && (1...32768).contains(length), .journalInode)
            try require(
                place > layout.firstBlock && place < layout.blocks && length <= layout.blocks - place, .journalInode)
            next += length
        }
        try require(next >= blocks, .journalInode)
        return UInt64(mapping.little32(20)) | UInt64(mapping.little16(18)) << 32
    }

    /// Where the journal's inode is, in bytes from the beginning of the device.
    static func place(_ groups: Ext4Groups, _ layout: Ext4Layout) -> UInt64 {
        layout.place(ofBlock: groups.firstInodes) + UInt64((inode - 1) * layout.inodeSize)
    }

    /// Looks at the journal's inode (`struct ext4_inode`).
    func check(inode: DiskBytes) throws(Ext4Doubt) {
        // i_extra_isize: i_checksum_hi is there.
        try require(inode.count >= 256 && inode.little16(0x80) >= 4, .journalInode)
        var sum = CRC32C(seed: seed)
        sum.add(UInt32(Self.inode))
        sum.add(inode.little32(0x64))
        sum.add(inode.zeroed(0x7C..<0x7E).zeroed(0x82..<0x84).bytes)
        let noted = UInt32(inode.little16(0x7C)) | UInt32(inode.little16(0x82)) << 16
        try require(noted == sum.value, .journalInode)
        // i_mode: a regular file. i_links_count. i_flags: by extents, not encrypted.
        try require(inode.little16(0x00) & 0xF000 == 0x8000 && inode.little16(0x1A) == 1, .journalInode)
        try require(inode.little32(0x20) & 0x80000 != 0 && inode.little32(0x20) & 0x800 == 0, .journalInode)
        // i_block, i_size
        let itsSize = UInt64(inode.little32(0x04)) | UInt64(inode.little32(0x6C)) << 32
        try require(inode.piece(0x28, 60) == mapping && itsSize == size, .journalInode)
    }

    /// Looks at the journal's superblock.
    func check(superblock: DiskBytes) throws(Ext4Doubt) {
        // JBD2_MAGIC_NUMBER, JBD2_SUPERBLOCK_V2
        try require(
            superblock.count == Self.length && superblock.big32(0) == 0xC03B_3998 && superblock.big32(4) == 4, .journal)
        try require(UInt64(superblock.big32(0x0C)) == blockSize && UInt64(superblock.big32(0x10)) == blocks, .journal)
        // s_feature_incompat: revoke, 64bit, csum_v3, which comes with the first mount. s_nr_users
        let (csum3, features) = (UInt32(0x10), superblock.big32(0x28))
        try require(superblock.big32(0x24) == 0 && superblock.big32(0x2C) == 0, .journal)
        try require(features & ~(0x1 | 0x2 | csum3) == 0 && superblock.big32(0x40) <= 1, .journal)
        if features & csum3 != 0 {
            var sum = CRC32C()
            sum.add(superblock.zeroed(0xFC..<0x100).bytes)
            try require(superblock[0x50] == 4 && superblock.big32(0xFC) == sum.value, .journal)
        }
        // s_start, s_errno
        try require(superblock.big32(0x1C) == 0, .recovery)
        try require(superblock.big32(0x20) == 0, .errors)
    }
}

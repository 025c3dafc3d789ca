/// The group descriptors of an ext4 (`struct ext4_group_desc`).
struct Ext4Groups: Sendable, Hashable {
    /// The first block of the first group's inodes.
    let firstInodes: UInt64

    /// - Parameter table: all descriptors.
    init(_ table: DiskBytes, of layout: Ext4Layout) throws(Ext4Doubt) {
        let length = Ext4Layout.descriptorLength
        try require(table.count == layout.groups * length && layout.groups > 0, .groups)
        var (freeBlocks, freeInodes): (UInt64, UInt64) = (0, 0)
        var first: UInt64?
        for index in 0..<layout.groups {
            let group = Ext4Group(table.piece(index * length, length))
            try group.check(index, of: layout)
            freeBlocks += group.freeBlocks
            freeInodes += group.freeInodes
            first = first ?? group.inodes
        }
        // e2fsck would write its own sums down.
        try require(freeBlocks == layout.freeBlocks && freeInodes == layout.freeInodes, .freeCounts)
        firstInodes = first ?? 0
    }
}

private struct Ext4Group {
    let bytes: DiskBytes

    init(_ bytes: DiskBytes) { self.bytes = bytes }

    private func wide(_ low: Int, _ high: Int) -> UInt64 {
        UInt64(bytes.little32(low)) | UInt64(bytes.little32(high)) << 32
    }

    private func count(_ low: Int, _ high: Int) -> UInt64 {
        UInt64(bytes.little16(low)) | UInt64(bytes.little16(high)) << 16
    }

    var inodes: UInt64 { wide(0x08, 0x28) }
    var freeBlocks: UInt64 { count(0x0C, 0x2C) }
    var freeInodes: UInt64 { count(0x0E, 0x2E) }

    func check(_ index: Int, of layout: Ext4Layout) throws(Ext4Doubt) {
        // bg_checksum, without itself.
        var sum = CRC32C(seed: layout.seed)
        sum.add(UInt32(index))
        sum.add(bytes.zeroed(0x1E..<0x20).bytes)
        try require(UInt16(truncatingIfNeeded: sum.value) == bytes.little16(0x1E), .groups)

        let all = layout.firstBlock..<layout.blocks
        let inodeBytes = UInt64(layout.inodesPerGroup) * UInt64(layout.inodeSize)
        let inodeBlocks = (inodeBytes + layout.blockSize - 1) / layout.blockSize
        // bg_block_bitmap, bg_inode_bitmap, bg_inode_table
        for place in [wide(0x00, 0x20), wide(0x04, 0x24), inodes] {
            try require(place > 0 && all.contains(place), .groups)
        }
        try require(inodeBlocks <= layout.blocks - inodes, .groups)

        // bg_used_dirs_count, bg_itable_unused
        let inodesPerGroup = UInt64(layout.inodesPerGroup)
        let unused = count(0x1C, 0x32)
        try require(freeBlocks <= layout.blocksPerGroup && freeInodes <= inodesPerGroup, .groups)
        try require(count(0x10, 0x30) <= inodesPerGroup && unused <= freeInodes, .groups)
        // bg_flags: the last group has a bitmap of its blocks (EXT4_BG_BLOCK_UNINIT).
        try require(index < layout.groups - 1 || bytes.little16(0x12) & 0x2 == 0, .groups)
    }
}

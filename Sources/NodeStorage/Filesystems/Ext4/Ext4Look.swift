/// Looks whether `e2fsck -p` would do anything about an ext4. Where it would do nothing, starting it costs a process and some
/// ten requests to Ceph in a row; this reads the same in two steps.
struct Ext4Look {
    /// The first bytes of the device, which the caller has read.
    let head: DiskBytes
    /// The device's, in bytes.
    let size: UInt64
    /// Seconds since 1970.
    let now: UInt64

    /// What is worth asking for together with the head: where the copy of the superblock is in a filesystem with blocks of
    /// 4 KB, or of 1 KB, unless mkfs was told otherwise.
    static func guesses(size: UInt64) -> [Range<UInt64>] {
        let place: UInt64 = size > 128 << 20 ? 128 << 20 : 8193 << 10
        return size >= place + 4096 ? [place..<(place + 4096)] : []
    }

    /// - Returns: why e2fsck has to judge; `nil` when it would call the filesystem clean, and write down no more than
    ///   when it did.
    func doubt(in device: borrowing DevicePieces) -> Ext4Doubt? {
        doubt(
            announce: { device.announce($0) },
            read: { place throws(Ext4Doubt) in
                do { return try device.read(place) } catch { throw .unreadable }
            })
    }

    func doubt(
        announce: ([Range<UInt64>]) -> Void, read: (Range<UInt64>) throws(Ext4Doubt) -> DiskBytes
    ) -> Ext4Doubt? {
        do {
            let layout = try Ext4Layout(head.piece(Ext4Layout.start, Ext4Layout.length), size: size, now: now)
            let journal = try Ext4Journal(notedBy: layout)
            let journalStart = layout.place(ofBlock: journal.start)
            let journalPlace = journalStart..<(journalStart + UInt64(Ext4Journal.length))
            let copyPlace = layout.copy.map { $0..<($0 + UInt64(Ext4Layout.length)) }
            let isTableRead = layout.table.upperBound <= UInt64(head.count)
            announce([journalPlace] + (copyPlace.map { [$0] } ?? []) + (isTableRead ? [] : [layout.table]))

            let table =
                isTableRead
                ? head.piece(Int(layout.table.lowerBound), layout.table.count) : try read(layout.table)
            let groups = try Ext4Groups(table, of: layout)
            let inodeStart = Ext4Journal.place(groups, layout)
            let inodePlace = inodeStart..<(inodeStart + UInt64(layout.inodeSize))
            announce([inodePlace])
            if let copyPlace { try layout.compare(copy: read(copyPlace)) }
            try journal.check(superblock: read(journalPlace))
            try journal.check(inode: read(inodePlace))
            return nil
        } catch {
            return error
        }
    }
}

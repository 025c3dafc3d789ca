import Rig

@testable import NodeStorage

/// An ext4 before it is checked: containers and whoever writes to the image choose every byte. Its checksums are made right,
/// else nothing behind them would ever be reached.
struct Ext4Target: FuzzTarget {
    let name = "ext4"
    let longest = 1 << 13

    /// The first four bytes choose what is not on the disk: how large the device is.
    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let size = UInt64(DiskBytes(input).little32(0)) << 12
        var disk = Array(input.dropFirst(4))
        if disk.count >= 2048 {
            var sum = CRC32C()
            sum.add(disk[1024..<(1024 + 0x3FC)])
            for index in 0..<4 { disk[1024 + 0x3FC + index] = UInt8(truncatingIfNeeded: sum.value >> (index * 8)) }
        }
        let content = DiskBytes(disk)
        var outside: Range<UInt64>?
        func note(_ place: Range<UInt64>) { if place.upperBound > size { outside = place } }
        let doubt = Ext4Look(head: content, size: size, now: 1_800_000_000).doubt(
            announce: { $0.forEach(note) },
            read: { place in
                note(place)
                // A disk that repeats itself: every place has something to read.
                return DiskBytes(place.map { disk.isEmpty ? 0 : disk[Int($0 % UInt64(disk.count))] })
            })
        try hold(outside == nil, "it reads beyond the device's end: \(outside.map { "\($0)" } ?? "")")
        return doubt?.rawValue ?? "clean"
    }
}

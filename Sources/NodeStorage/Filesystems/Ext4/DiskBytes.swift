/// A piece of what stands on a disk. Anybody may have written it: what lies beyond its end reads as zeros.
struct DiskBytes: Sendable, Hashable {
    let bytes: [UInt8]

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    var count: Int { bytes.count }

    subscript(_ offset: Int) -> UInt8 { bytes.indices.contains(offset) ? bytes[offset] : 0 }

    func piece(_ offset: Int, _ count: Int) -> DiskBytes {
        DiskBytes(bytes.dropFirst(offset).prefix(count))
    }

    /// The same, with zeros in a place.
    func zeroed(_ range: Range<Int>) -> DiskBytes {
        var changed = bytes
        for index in range.clamped(to: changed.indices) { changed[index] = 0 }
        return DiskBytes(changed)
    }

    var isBlank: Bool { bytes.allSatisfy { $0 == 0 } }

    func little16(_ offset: Int) -> UInt16 { UInt16(self[offset]) | UInt16(self[offset + 1]) << 8 }

    func little32(_ offset: Int) -> UInt32 { UInt32(little16(offset)) | UInt32(little16(offset + 2)) << 16 }

    func big32(_ offset: Int) -> UInt32 { little32(offset).byteSwapped }
}

/// The checksum of ext4 and its journal (Castagnoli), as the kernel's `crc32c()` has it: not inverted at the end.
struct CRC32C: Sendable {
    private(set) var value: UInt32

    init(seed: UInt32 = .max) { value = seed }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = Self.table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ value >> 8 }
    }

    /// A number, as it stands on an ext4.
    mutating func add(_ number: UInt32) {
        withUnsafeBytes(of: number.littleEndian) { add($0) }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
    }
}

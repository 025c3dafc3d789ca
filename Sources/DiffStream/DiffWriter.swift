/// The pieces of a stream, as bytes. Numbers are little-endian.
public enum DiffWriter {
    /// How a stream begins.
    public static func head(_ head: DiffHead) -> [UInt8] {
        var bytes = DiffTag.banner
        if let from = head.from { bytes += name(.from, from) }
        if let to = head.to { bytes += name(.to, to) }
        return bytes + [DiffTag.size.rawValue] + number(head.size)
    }

    /// Comes before `count` bytes that the image has at `offset`.
    public static func write(at offset: UInt64, count: UInt64) -> [UInt8] {
        [DiffTag.write.rawValue] + number(offset) + number(count)
    }

    /// Says that there are only zeros.
    public static func zeros(at offset: UInt64, count: UInt64) -> [UInt8] {
        [DiffTag.zeros.rawValue] + number(offset) + number(count)
    }

    public static let end = [DiffTag.end.rawValue]

    private static func name(_ tag: DiffTag, _ text: String) -> [UInt8] {
        [tag.rawValue] + number(UInt32(text.utf8.count)) + text.utf8
    }

    private static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }
}

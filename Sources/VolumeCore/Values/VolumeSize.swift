/// A size in bytes, as operators write it.
public struct VolumeSize: Sendable, Hashable, Comparable {
    /// Bytes; always a multiple of 1 MiB when it was parsed.
    public let bytes: UInt64

    public init(bytes: UInt64) { self.bytes = bytes }

    public static func mebibytes(_ count: UInt64) -> VolumeSize { VolumeSize(bytes: count << 20) }
    public static func gibibytes(_ count: UInt64) -> VolumeSize { VolumeSize(bytes: count << 30) }

    /// The largest size that is accepted at all, 4 PiB. Far below what wraps in 64-bit sector arithmetic, which
    /// kernels have been seen to crash on.
    public static let maximum = VolumeSize(bytes: 1 << 52)

    /// Parses `206` (a bare number is MiB, as `rbd create --size` has it), `512M`, `10G`, `1T`; also `MB`, `MiB`, ….
    /// - Returns: `nil` when the text is no size, is zero or is beyond `maximum`.
    public init?(parsing text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = UInt64(digits), count > 0 else { return nil }
        guard let shift = Self.shift(forUnit: text.dropFirst(digits.count)) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow, bytes <= Self.maximum.bytes else { return nil }
        self.bytes = bytes
    }

    private static func shift(forUnit unit: Substring) -> UInt64? {
        guard unit.allSatisfy(\.isASCII) else { return nil }
        return switch unit.uppercased() {
        case "", "M", "MB", "MIB": 20
        case "G", "GB", "GIB": 30
        case "T", "TB", "TIB": 40
        case "P", "PB", "PIB": 50
        default: nil
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }
}

extension VolumeSize: CustomStringConvertible {
    /// The largest unit that shows the size exactly: `206M`, `10G`.
    public var description: String {
        for (shift, unit) in [(50, "P"), (40, "T"), (30, "G"), (20, "M"), (10, "K")] as [(UInt64, String)]
        where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }
}

extension VolumeSize: Codable {
    public init(from decoder: any Decoder) throws {
        bytes = try decoder.singleValueContainer().decode(UInt64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}

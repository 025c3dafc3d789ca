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

    /// Reads `206` (a bare number is MiB), `512M`, `1.5G`, `10GiB`, `10 GB`, as `SizeText` has it.
    /// - Returns: `nil` when the text is no size, is zero or no whole number of MiB, or is beyond `maximum`.
    public init?(parsing text: String) {
        guard let size = SizeText(text), size.isWhole, size.mebibytes > 0,
            size.mebibytes <= Self.maximum.bytes >> 20
        else { return nil }
        self = .mebibytes(size.mebibytes)
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

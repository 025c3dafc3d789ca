/// How the bytes of an image are dealt out to its objects, other than one object after the other: `unit` bytes to each of `count`
/// objects in turn.
public struct ImageStriping: Sendable, Hashable {
    /// Bytes; a power of two that divides the object size.
    public var unit: UInt64
    /// Objects.
    public var count: UInt64

    public init(unit: UInt64, count: UInt64) {
        self.unit = unit
        self.count = count
    }

    /// - Returns: `nil` for what is one object after the other all the same: librbd says so of images without striping.
    /// - Parameter order: log2 of the object size.
    public init?(unit: UInt64, count: UInt64, order: UInt8) {
        guard count != 1 || unit != 1 << UInt64(order) else { return nil }
        self.init(unit: unit, count: count)
    }
}

extension ImageStriping: CustomStringConvertible {
    /// `64K in each of 4 objects`.
    public var description: String { "\(VolumeSize(bytes: unit)) in each of \(count) objects" }
}

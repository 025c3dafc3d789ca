/// What a stream says of itself before its first bytes of data.
///
/// A stream is what `rbd export-diff` writes and `rbd import-diff` reads, in its first format (Ceph's `dev/rbd-diff`): the
/// difference between two snapshots of an image, or between nothing and one snapshot.
public struct DiffHead: Sendable, Hashable {
    /// The snapshot that the difference is to; `nil` for a whole image.
    public var from: String?
    /// The snapshot that it leads to; `nil` when the image itself was exported.
    public var to: String?
    /// Of the image, in bytes, with the difference applied.
    public var size: UInt64

    public init(from: String? = nil, to: String?, size: UInt64) {
        self.from = from
        self.to = to
        self.size = size
    }

    /// The longest name of a snapshot that is read, in bytes. Ceph's own tools make none that is nearly as long.
    static let longestName = 1024
}

/// The first byte of each record.
enum DiffTag: UInt8 {
    case from = 0x66  // f
    case to = 0x74  // t
    case size = 0x73  // s
    case write = 0x77  // w
    case zeros = 0x7A  // z
    case end = 0x65  // e

    /// What a stream begins with.
    static let banner = [UInt8]("rbd diff v1\n".utf8)
}

/// Bytes and where in an image they belong.
public struct ImageExtent: Sendable, Hashable {
    /// In bytes from the start of the image.
    public let offset: UInt64
    public let bytes: [UInt8]

    public init(offset: UInt64, bytes: [UInt8]) {
        self.offset = offset
        self.bytes = bytes
    }
}

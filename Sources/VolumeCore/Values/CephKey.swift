/// A Ceph client's key. It prints as `<secret>`.
public struct CephKey: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// As the kernel's keyring takes it.
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }

    public var description: String { "<secret>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A Ceph client's key. It prints as `<secret>`.
public struct CephKey: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// As the kernel's keyring takes it: type, time, length, and that many bytes.
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// Type, time in seconds and nanoseconds, length.
    private static let headerLength = 2 + 4 + 4 + 2

    /// What it is made for; `nil` when it is no key.
    public var type: CephKeyType? {
        guard bytes.count > Self.headerLength, bytes.count == Self.headerLength + Int(word(at: Self.headerLength - 2))
        else { return nil }
        return CephKeyType(number: word(at: 0))
    }

    /// The least significant byte comes first.
    private func word(at index: Int) -> UInt16 { UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8 }

    public var description: String { "<secret>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The ciphers that Ceph makes keys for. A client that does not know a key's cipher cannot use that key at all.
public enum CephKeyType: Sendable, Hashable, CustomStringConvertible {
    /// AES-128, of 16 bytes: what every release knows.
    case aes
    /// AES-256 as in Kerberos, of 32 bytes: the default of new clusters since Ceph 20.2.4 and 19.2.6.
    case aes256k
    case other(UInt16)

    init(number: UInt16) {
        switch number {
        case 1: self = .aes
        case 2: self = .aes256k
        default: self = .other(number)
        }
    }

    /// As `ceph auth … --key-type` has it.
    public var description: String {
        switch self {
        case .aes: "aes"
        case .aes256k: "aes256k"
        case .other(let number): "number \(number)"
        }
    }

    /// How the user gets a key that older clients can use as well; completes a remedy.
    /// - Parameter user: without `client.`
    public static func olderKey(for user: String) -> String {
        """
        give the user a key of the older type: 'ceph mon set auth_allowed_ciphers aes,aes256k', and then \
        'ceph auth rotate client.\(user) --key-type aes', or make another user by \
        'ceph auth get-or-create client.NAME … --key-type aes'
        """
    }
}

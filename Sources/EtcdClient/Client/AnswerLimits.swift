/// How much of what a server sends is kept in memory. Whatever answers at an endpoint may be no etcd, or one that is out of
/// its mind, and a node without memory lets its containers down.
///
/// The limits are far above what etcd answers to this client. A value has at most 1.5 MiB, unless etcd is told otherwise,
/// and a third more in base64.
public struct AnswerLimits: Sendable {
    /// Status lines, headers and trailers of one answer. libcurl keeps no line of more than 100 KiB on its own.
    public var headerBytes = 64 << 10
    /// The answer to a call about single keys, a transaction, a lease or a member; a refusal.
    public var answerBytes = 8 << 20
    /// A page of keys. ``Pages`` asks for half as many keys when there is more in them.
    public var pageBytes = 32 << 20
    /// One message of a watch. After a gap etcd puts the changes of up to 1000 revisions into one.
    public var messageBytes = 64 << 20

    public init() {}
}

extension AnswerLimits {
    /// For people: `8 MiB`, `64 KiB`, `100 bytes`.
    static func words(_ bytes: Int) -> String {
        switch bytes {
        case 1 << 20..<Int.max where bytes % (1 << 20) == 0: "\(bytes >> 20) MiB"
        case 1 << 10..<Int.max where bytes % (1 << 10) == 0: "\(bytes >> 10) KiB"
        default: "\(bytes) bytes"
        }
    }
}

/// How large an answer the client accepts. The server at an endpoint may not be an etcd, or may be a broken one, and its
/// answers must not use up the memory of the process.
///
/// The limits are far above what etcd sends to this client. By default a value has at most 1.5 MiB, and a third more in
/// base64.
public struct AnswerLimits: Sendable {
    /// Status lines, headers and trailers of one answer. libcurl itself rejects a line of more than 100 KiB.
    public var headerBytes = 64 << 10
    /// The answer to a call about single keys, a transaction, a lease or a member; a refusal.
    public var answerBytes = 8 << 20
    /// A page of keys. If a page is larger, ``Pages`` asks for half as many keys.
    public var pageBytes = 32 << 20
    /// One message of a watch. After a gap etcd puts the changes of up to 1000 revisions into one message.
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

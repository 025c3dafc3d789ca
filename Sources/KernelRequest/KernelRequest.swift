/// What the plugin asks of `rbd-plugin-kernel`, as it goes to that program's standard input: it is started before there is
/// anything to ask, so none of it can be in its arguments.
///
/// On the wire: how many bytes follow, in four bytes, most significant first; how many words, in one; each word with a zero
/// after it; the secret. A request that is cut off, since the plugin ended while it wrote it, is none.
public struct KernelRequest: Sendable, Hashable {
    /// What is to be done, and with what. No word contains a zero.
    public var words: [String]
    /// A key, or nothing.
    public var secret: [UInt8]

    public init(words: [String], secret: [UInt8] = []) {
        self.words = words
        self.secret = secret
    }

    /// How the names of keys begin that are given to the kernel for a mapping; it shows them with the device.
    public static let keyPrefix = "rbd-plugin-"

    /// What `rbd-plugin-kernel` ends with when the kernel cannot use the key: EKEYREJECTED.
    public static let keyIsRefused: Int32 = 129

    /// How many bytes tell how many follow.
    public static let headerLength = 4
    /// Longer ones are not made and not taken: a pipe or a socket holds it as a whole.
    public static let limit = 16 << 10

    /// `nil` for what cannot be sent: a word with a zero, or too much.
    public var encoded: [UInt8]? {
        guard let count = UInt8(exactly: words.count), !words.contains(where: { $0.utf8.contains(0) }) else {
            return nil
        }
        let body = [count] + words.flatMap { Array($0.utf8) + [0] } + secret
        guard body.count <= Self.limit else { return nil }
        let header = (0..<Self.headerLength).reversed().map { UInt8(truncatingIfNeeded: body.count >> ($0 * 8)) }
        return header + body
    }

    /// - Returns: how many bytes come after the header; `nil` for what is no header.
    public static func length(header: [UInt8]) -> Int? {
        guard header.count == headerLength else { return nil }
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        return (1...limit).contains(length) ? length : nil
    }

    /// `nil` when it is no request.
    public init?(body: [UInt8]) {
        guard let count = body.first else { return nil }
        var rest = body.dropFirst()
        words = []
        for _ in 0..<count {
            guard let end = rest.firstIndex(of: 0) else { return nil }
            words.append(String(decoding: rest[..<end], as: UTF8.self))
            rest = rest[(end + 1)...]
        }
        secret = Array(rest)
    }
}

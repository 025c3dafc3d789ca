/// A Ceph client's address, `ip:port/nonce`: what a watcher shows, what krbd shows in `client_addr`, and what
/// `rados_blocklist_add` takes.
public struct ClientAddress: Sendable, Hashable, Codable {
    public let text: String

    /// Takes `1.2.3.4:0/55`, `[fd00::1]:0/55`, with or without a leading `v1:`, `v2:` or `any:`.
    /// - Returns: `nil` when there is no address with a port and a nonce.
    public init?(_ text: String) {
        var body = Substring(text)
        for prefix in ["v1:", "v2:", "any:"] where body.hasPrefix(prefix) { body = body.dropFirst(prefix.count) }
        guard let slash = body.lastIndex(of: "/"), UInt64(body[body.index(after: slash)...]) != nil else { return nil }
        let host = body[..<slash]
        guard let colon = host.lastIndex(of: ":"), UInt16(host[host.index(after: colon)...]) != nil else { return nil }
        guard colon > host.startIndex else { return nil }
        self.text = String(body)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = ClientAddress(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is no client address (ip:port/nonce)")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension ClientAddress: CustomStringConvertible {
    public var description: String { text }
}

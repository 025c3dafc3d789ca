/// A Ceph client's address, `ip:port/nonce`: what a watcher shows, what krbd shows in `client_addr`, and what
/// `rados_blocklist_add` takes.
public struct ClientAddress: Sendable, Hashable, Codable {
    public let text: String

    /// Takes `1.2.3.4:0/55`, `[fd00::1]:0/55`, with or without a leading `v1:`, `v2:` or `any:`.
    /// - Returns: `nil` when it names no single client: without a port or a nonce, or with both of them 0, which Ceph
    ///   takes for the whole host when it is blocklisted.
    public init?(_ text: String) {
        let prefix = ["v1:", "v2:", "any:"].first { text.hasPrefix($0) } ?? ""
        let body = text.dropFirst(prefix.count)
        guard let slash = body.lastIndex(of: "/"),
            let nonce = DecimalNumber<UInt32>(body[body.index(after: slash)...])?.value,
            let colon = body[..<slash].lastIndex(of: ":"),
            let port = DecimalNumber<UInt16>(body[body.index(after: colon)..<slash])?.value,
            port > 0 || nonce > 0, Self.isHost(body[..<colon])
        else { return nil }
        self.text = String(body)
    }

    /// The host alone, without brackets.
    public var host: String {
        let end = text.lastIndex(of: ":") ?? text.endIndex
        let host = text[..<end]
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)
    }

    /// Four numbers with dots, or hexadecimal groups in brackets. Names are none: Ceph knows addresses only.
    private static func isHost(_ host: Substring) -> Bool {
        if host.hasPrefix("["), host.hasSuffix("]") {
            let groups = host.dropFirst().dropLast()
            return groups.contains(":") && groups.allSatisfy { $0.isHexDigit && $0.isASCII || $0 == ":" || $0 == "." }
        }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.allSatisfy { DecimalNumber<UInt8>($0) != nil }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = ClientAddress(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not a client address (ip:port/nonce)")
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

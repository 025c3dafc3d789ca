/// The address of one Ceph client, as watchers, lock owners, `client_addr` of a mapped
/// device and the blocklist name it.
///
/// Ceph writes it in several forms: `10.0.0.1:0/4123`, with a protocol before it (`v1:`,
/// `v2:`, `any:`), and as a list in brackets (`[v2:10.0.0.1:0/4123,v1:10.0.0.1:0/4123]`). All
/// of them mean the same client, and compare as equal here.
public struct ClientAddress: Sendable, Hashable, CustomStringConvertible {
    /// An IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// 0 for a client, which listens nowhere.
    public let port: UInt16
    /// Tells the clients of one host apart: what makes blocking one of them possible.
    public let nonce: UInt64

    public init(host: String, port: UInt16 = 0, nonce: UInt64) {
        self.host = host
        self.port = port
        self.nonce = nonce
    }

    /// Reads one address in any of Ceph's forms; of a list, the first with a nonce. Nil for
    /// what is none, such as an address without a nonce, which would mean a whole host.
    public init?(_ text: String) {
        guard let address = Self.parseAll(text).first else { return nil }
        self = address
    }

    /// Every address of a list, or of one that stands alone. What cannot be read is left out.
    public static func parseAll(_ text: String) -> [ClientAddress] {
        var body = Substring(text)
        if isList(text) { body = body.dropFirst().dropLast() }
        var found: [ClientAddress] = []
        for part in body.split(separator: ",") {
            guard let address = parse(part), !found.contains(address) else { continue }
            found.append(address)
        }
        return found
    }

    /// `ip:port/nonce`, with an IPv6 address in brackets: what `osd blocklist` takes.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)/\(nonce)" : "\(host):\(port)/\(nonce)"
    }

    /// `[::1]:0/5` begins with a bracket too, but does not end with one.
    private static func isList(_ text: String) -> Bool {
        text.hasPrefix("[") && text.hasSuffix("]")
    }

    private static func parse(_ text: Substring) -> ClientAddress? {
        var rest = text
        for prefix in ["v1:", "v2:", "any:"] where rest.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
            break
        }
        guard let slash = rest.lastIndex(of: "/"), let nonce = number(rest[rest.index(after: slash)...], UInt64.self)
        else { return nil }
        let endpoint = rest[..<slash]
        guard let colon = endpoint.lastIndex(of: ":"),
            let port = number(endpoint[endpoint.index(after: colon)...], UInt16.self)
        else { return nil }
        guard let host = host(endpoint[..<colon]) else { return nil }
        return ClientAddress(host: host, port: port, nonce: nonce)
    }

    private static func host(_ text: Substring) -> String? {
        var host = text
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        let allowed = host.allSatisfy { $0.isHexDigit || $0 == "." || $0 == ":" || $0 == "%" }
        return allowed && !host.isEmpty ? String(host) : nil
    }

    /// Digits only: `Int("+5")` would do, an address never has that.
    private static func number<Number: FixedWidthInteger>(_ text: Substring, _: Number.Type) -> Number? {
        guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Number(text)
    }
}

/// Addresses of etcd servers as people write them, made into URLs.
enum EtcdEndpoint {
    /// `host`, `host:port`, `[v6]:port`, or the same with `http://` or `https://` in front.
    ///
    /// Without a scheme, `defaultScheme` and port 2379 are filled in; with one, the URL stays as it is.
    static func url(_ text: String, defaultScheme: String) throws(Refusal) -> String {
        let (scheme, rest) = try split(text)
        let address = rest.hasSuffix("/") ? String(rest.dropLast()) : rest
        guard !address.contains("/") else { throw Refusal("nothing may follow host and port") }
        let (host, port) = try hostAndPort(address)
        guard isHost(host) else {
            throw Refusal("\(Text.quoted(host)) is not a host name or address")
        }
        if let port, (UInt16(port) ?? 0) == 0 {
            throw Refusal("\(Text.quoted(port)) is not a port, which is a number from 1 to 65535")
        }
        if let scheme { return "\(scheme)://\(address)" }
        return "\(defaultScheme)://\(host):\(port ?? "2379")"
    }

    /// All of a list separated by commas, each once.
    static func urls(_ text: String, defaultScheme: String) throws(Refusal) -> [String] {
        var urls: [String] = []
        for part in Text.commaSeparated(text) where !part.isEmpty {
            let url = try url(part, defaultScheme: defaultScheme)
            if !urls.contains(url) { urls.append(url) }
        }
        guard !urls.isEmpty else { throw Refusal("it must name at least one server, as in 10.0.0.1:2379") }
        return urls
    }

    private static func split(_ text: String) throws(Refusal) -> (scheme: String?, rest: String) {
        guard let separator = text.firstRange(of: "://") else { return (nil, text) }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw Refusal("the scheme in front of :// must be http or https")
        }
        return (scheme, String(text[separator.upperBound...]))
    }

    private static func hostAndPort(_ address: String) throws(Refusal) -> (host: String, port: String?) {
        if let bracket = address.firstIndex(of: "]") {
            let tail = address[address.index(after: bracket)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw Refusal("only a port may follow the bracket") }
            return (String(address[...bracket]), tail.isEmpty ? nil : String(tail.dropFirst()))
        }
        let parts = address.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else { throw Refusal("an IPv6 address needs brackets, as in [fe80::1]:2379") }
        return (parts[0], parts.count == 2 ? parts[1] : nil)
    }

    private static func isHost(_ host: String) -> Bool {
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inside = host.dropFirst().dropLast()
            return inside.contains(":") && inside.allSatisfy { $0.isHexDigit || ":.%".contains($0) }
        }
        return Text.consists(host, ofLettersDigitsAnd: ".-_")
    }
}

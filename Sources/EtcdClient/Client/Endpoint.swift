/// The address of one etcd member's client port.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    public enum Scheme: String, Sendable {
        case http, https
    }

    /// The port of an endpoint that names none: etcd's client port.
    public static let defaultPort: UInt16 = 2379

    public var scheme: Scheme
    /// A name or an address; an IPv6 address without brackets.
    public var host: String
    public var port: UInt16

    public init(scheme: Scheme = .http, host: String, port: UInt16 = defaultPort) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// Without a trailing slash: `http://127.0.0.1:2379`, `https://[::1]:2379`.
    public var url: String {
        "\(scheme.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    public var description: String { url }
}

extension Endpoint {
    /// Reads a comma-separated list such as `etcd1:2379, https://etcd2:2379`.
    ///
    /// - Parameter scheme: for entries that name none. Use `.https` if TLS is configured.
    /// - Throws: ``EndpointListError``, which names the entry that cannot be used.
    public static func parse(_ list: String, defaultScheme scheme: Scheme = .http) throws(EndpointListError)
        -> [Endpoint]
    {
        let entries = list.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
        guard entries != [""] else {
            throw EndpointListError(entry: "", problem: "the list is empty; name at least one etcd endpoint")
        }
        var endpoints: [Endpoint] = []
        for (index, entry) in entries.enumerated() {
            let endpoint = try parseEntry(entry, number: index + 1, defaultScheme: scheme)
            if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
        }
        return endpoints
    }

    private static func parseEntry(
        _ entry: String, number: Int, defaultScheme: Scheme
    ) throws(EndpointListError) -> Endpoint {
        // A password in there must not come out in a log.
        guard !entry.contains("@") else {
            throw EndpointListError(
                entry: "number \(number)",
                problem:
                    "contains '@'; user name and password have settings of their own and do not belong in an address"
            )
        }
        let (scheme, address) = try splitScheme(entry, defaultScheme)
        let (host, port) = try splitPort(address, entry)
        guard !host.isEmpty else { throw EndpointListError(entry: entry, problem: "names no host") }
        guard host.allSatisfy(isHostCharacter) else {
            throw EndpointListError(
                entry: entry, problem: "is not host:port; it must not have a path, a query or a blank")
        }
        return Endpoint(scheme: scheme, host: host, port: port)
    }

    private static func splitScheme(
        _ entry: String, _ defaultScheme: Scheme
    ) throws(EndpointListError) -> (Scheme, Substring) {
        guard let separator = entry.firstRange(of: "://") else { return (defaultScheme, entry[...]) }
        guard let scheme = Scheme(rawValue: entry[..<separator.lowerBound].lowercased()) else {
            throw EndpointListError(entry: entry, problem: "has a scheme other than http and https")
        }
        let rest = entry[separator.upperBound...]
        return (scheme, rest.hasSuffix("/") ? rest.dropLast() : rest)
    }

    private static func splitPort(
        _ address: Substring, _ entry: String
    ) throws(EndpointListError) -> (String, UInt16) {
        var host = address
        var portText: Substring?
        if address.hasPrefix("["), let bracket = address.firstIndex(of: "]") {
            host = address[address.index(after: address.startIndex)..<bracket]
            let rest = address[address.index(after: bracket)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw EndpointListError(entry: entry, problem: "has something other than :port after the address")
            }
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = address.lastIndex(of: ":") {
            host = address[..<colon]
            portText = address[address.index(after: colon)...]
            guard !host.contains(":") else {
                throw EndpointListError(entry: entry, problem: "looks like an IPv6 address; write it as [address]:port")
            }
        }
        guard let portText else { return (String(host), defaultPort) }
        guard let port = UInt16(portText), port > 0 else {
            throw EndpointListError(entry: entry, problem: "has no valid port number (1 to 65535)")
        }
        return (String(host), port)
    }

    private static func isHostCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || ".-_:%".contains(character))
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

/// An entry of an endpoint list that cannot be used.
public struct EndpointListError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The entry as written; only its number where it may hold a secret.
    public var entry: String
    public var problem: String

    public var description: String {
        entry.isEmpty ? "etcd endpoints: \(problem)" : "etcd endpoint \"\(entry)\" \(problem)"
    }
}

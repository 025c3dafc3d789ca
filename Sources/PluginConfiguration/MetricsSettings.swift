import Glibc

/// How others get at the plugin's metrics, besides on its socket.
public struct MetricsSettings: Sendable, Equatable {
    /// A numeric address, without brackets, and a port.
    public struct Address: Sendable, Equatable {
        public var host: String
        public var port: Int
        /// Only this host reaches it.
        public var isLoopback: Bool

        public init(host: String, port: Int, isLoopback: Bool) {
            self.host = host
            self.port = port
            self.isLoopback = isLoopback
        }
    }

    /// `nil`: on no port.
    public var listen: Address?
    /// The file with what clients have to show; `nil` where they need not.
    public var tokenFile: String?
    /// The most mounted volumes that have metrics of their own.
    public var volumes: Int

    public init(listen: Address? = nil, tokenFile: String? = nil, volumes: Int) {
        self.listen = listen
        self.tokenFile = tokenFile
        self.volumes = volumes
    }
}

extension MetricsSettings {
    init?(from reader: inout SettingsReader) {
        let listen: Address? = reader.value(.metricsListen, Self.address)
        let tokenFile = Self.tokenFile(from: &reader)
        guard let volumes = reader.value(.metricsVolumes, Self.count) else { return nil }
        self.init(listen: listen, tokenFile: tokenFile, volumes: volumes)
        if let listen, !listen.isLoopback, reader.given(.metricsTokenFile) == nil {
            reader.note(
                Setting.metricsListen.name,
                "METRICS_LISTEN is \(Text.quoted(reader.given(.metricsListen) ?? "")): others than this host reach that address, so METRICS_TOKEN_FILE must be set as well."
            )
        }
        if listen == nil, tokenFile != nil, reader.given(.metricsListen) == nil {
            reader.warn("METRICS_TOKEN_FILE has no effect without METRICS_LISTEN.")
        }
    }

    /// A file that holds a token now.
    private static func tokenFile(from reader: inout SettingsReader) -> String? {
        guard let path = reader.value(.metricsTokenFile, Text.absolutePath) else { return nil }
        do {
            let token = try SecretFile.secret(at: path, readFile: reader.readFile).reveal()
            // What a header of HTTP can carry.
            guard token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                reader.note(
                    Setting.metricsTokenFile.name,
                    "METRICS_TOKEN_FILE is \(Text.quoted(path)): a token consists of visible ASCII characters.")
                return nil
            }
            return path
        } catch {
            reader.note(Setting.metricsTokenFile.name, "METRICS_TOKEN_FILE is \(Text.quoted(path)): \(error).")
            return nil
        }
    }

    private static func count(_ text: String) throws(Refusal) -> Int {
        guard let number = Int(text), (0...10_000).contains(number) else {
            throw Refusal("it must be a number from 0 to 10000")
        }
        return number
    }

    private static func address(_ text: String) throws(Refusal) -> Address {
        let accepted = Refusal(
            "it must be a port, or a numeric address and a port, as in 9285, 127.0.0.1:9285 or [::1]:9285")
        var (host, port) = ("127.0.0.1", text)
        if let colon = text.lastIndex(of: ":") {
            (host, port) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
        }
        guard let number = UInt16(port), number > 0, port.allSatisfy(\.isNumber) else { throw accepted }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            var address = in6_addr()
            guard inet_pton(AF_INET6, host, &address) == 1 else { throw accepted }
            return Address(host: host, port: Int(number), isLoopback: isLoopback(address))
        }
        var address = in_addr()
        guard inet_pton(AF_INET, host, &address) == 1 else { throw accepted }
        return Address(host: host, port: Int(number), isLoopback: UInt32(bigEndian: address.s_addr) >> 24 == 127)
    }

    private static func isLoopback(_ address: in6_addr) -> Bool {
        let bytes = withUnsafeBytes(of: address, Array.init)
        return bytes == Array(repeating: 0, count: 15) + [1]
    }
}

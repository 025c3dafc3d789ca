/// Where etcd is, who we are, and how long we wait.
public struct EtcdConfiguration: Sendable {
    /// Members of one cluster. The client uses the first that answers, until that one fails.
    public var endpoints: [Endpoint]
    /// nil if etcd's authentication is off.
    public var credentials: EtcdCredentials?
    /// If nil, the client checks `https` endpoints against the system's authorities and shows no certificate of its own.
    public var tls: TLSFiles?
    /// The time limit of a call that names none. It covers the whole call, with fail-over and waiting.
    ///
    /// It should be more than 7 s: then etcd's own time-out comes first, and says more.
    public var requestTimeout: Duration = .seconds(10)
    /// How long connecting to one endpoint may take, TLS included.
    public var connectTimeout: Duration = .seconds(2)
    /// At most this many requests run at one endpoint, each on its own connection; further ones wait in line.
    public var connectionsPerEndpoint = 8
    public var watch = WatchTiming()
    public var limits = AnswerLimits()

    public init(endpoints: [Endpoint], credentials: EtcdCredentials? = nil, tls: TLSFiles? = nil) {
        self.endpoints = endpoints
        self.credentials = credentials
        self.tls = tls
    }
}

/// A user of etcd. Its description does not contain the password.
public struct EtcdCredentials: Sendable, CustomStringConvertible, CustomReflectable {
    public var username: String
    public var password: String
    /// Returns the current password, for one that may change while the client runs. The client calls it whenever it
    /// asks etcd for a token. If it throws, or etcd rejects its password, the client uses the last accepted one.
    public var readPassword: (@Sendable () throws -> String)?

    public init(username: String, password: String, readPassword: (@Sendable () throws -> String)? = nil) {
        self.username = username
        self.password = password
        self.readPassword = readPassword
    }

    public var description: String { "etcd user \(username)" }

    public var customMirror: Mirror { Mirror(self, children: ["username": username]) }
}

/// Paths of PEM files. Their content may change while the client runs. A few seconds later all requests and watches use
/// new connections, made with the new content. If a file cannot be used, the client keeps the file's former content.
public struct TLSFiles: Sendable, Equatable {
    /// The authority that signed the servers' certificates; nil for the system's.
    public var certificateAuthority: String?
    /// The client's certificate; its chain may follow it in the file.
    public var certificate: String?
    public var key: String?

    public init(certificateAuthority: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.certificateAuthority = certificateAuthority
        self.certificate = certificate
        self.key = key
    }

    var isEmpty: Bool { certificateAuthority == nil && certificate == nil && key == nil }
}

/// How a watch notices that its connection is dead, and how it comes back.
public struct WatchTiming: Sendable {
    /// If a member has been silent for this long, the watch asks it whether it is alive and current.
    public var probeInterval: Duration = .seconds(10)
    /// The pause before the first attempt to reconnect; it doubles with each failure in a row.
    public var shortestBackoff: Duration = .milliseconds(100)
    public var longestBackoff: Duration = .seconds(5)

    public init() {}
}

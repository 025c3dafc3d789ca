/// Where etcd is, who we are, and how long we wait.
public struct EtcdConfiguration: Sendable {
    /// Members of one cluster. The first that answers is used until it fails.
    public var endpoints: [Endpoint]
    /// nil where etcd's authentication is off.
    public var credentials: EtcdCredentials?
    /// nil: `https` endpoints are checked against the system's authorities, and no client certificate is shown.
    public var tls: TLSFiles?
    /// The deadline of a call that names none: from the call to its result, fail-over and waiting included.
    ///
    /// Above 7 s, so that etcd's own time-out comes first and says more.
    public var requestTimeout: Duration = .seconds(10)
    /// How long connecting to one endpoint may take, TLS included.
    public var connectTimeout: Duration = .seconds(2)
    /// How many requests run at a time at one endpoint, each on a connection of its own; more wait in line.
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
    /// Gives the password as it is now, where it may change while the client runs. Called whenever etcd is asked for a
    /// token. While it fails, or etcd does not accept what it gives, the password that was accepted last is used.
    public var readPassword: (@Sendable () throws -> String)?

    public init(username: String, password: String, readPassword: (@Sendable () throws -> String)? = nil) {
        self.username = username
        self.password = password
        self.readPassword = readPassword
    }

    public var description: String { "etcd user \(username)" }

    public var customMirror: Mirror { Mirror(self, children: ["username": username]) }
}

/// Paths of PEM files. Their content may change while the client runs: a few seconds later new connections, and watches,
/// are made with it, and older ones are used no more. Files that cannot be used leave in force what they held before.
public struct TLSFiles: Sendable, Equatable {
    /// The authority that signed the servers' certificates; nil for the system's.
    public var certificateAuthority: String?
    /// Our certificate; its chain may follow it in the file.
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
    /// After this long without a word, the member is asked whether it is alive and current.
    public var probeInterval: Duration = .seconds(10)
    /// The pause before the first attempt to reconnect; it doubles with each failure in a row.
    public var shortestBackoff: Duration = .milliseconds(100)
    public var longestBackoff: Duration = .seconds(5)

    public init() {}
}

/// The rig's etcd, as an operator sees it through etcdctl.
public struct EtcdRig: Sendable {
    public let environment: RigEnvironment

    public init(_ environment: RigEnvironment) {
        self.environment = environment
    }

    public var server: RigServer { .etcd(of: environment) }

    /// Runs `etcdctl` and returns what it printed.
    ///
    /// - Throws: ``RigFailure`` with the tool's own words when it fails.
    @discardableResult
    public func etcdctl(_ arguments: String...) async throws -> String {
        try await environment.run(
            "etcdctl", ["--endpoints", environment.etcdEndpoints.joined(separator: ",")] + arguments,
            settings: ["ETCDCTL_API": "3"]
        ).checked().output
    }

    /// The keys that start with a prefix, sorted, without what the plugin tells of the past.
    public func keys(_ prefix: String) async throws -> [String] {
        try await etcdctl("get", "--prefix", "--keys-only", prefix).split(separator: "\n").map(String.init)
            .filter { !$0.contains("/.history/") }.sorted()
    }

    /// A key's value; nil when there is no such key.
    public func value(of key: String) async throws -> String? {
        let printed = try await etcdctl("get", "--print-value-only", key)
        guard !printed.isEmpty else { return nil }
        return printed.last == "\n" ? String(printed.dropLast()) : printed
    }

    /// A key's value as JSON; nil when there is no such key.
    public func json(of key: String) async throws -> JSONValue? {
        try await value(of: key).map(JSONValue.init(parsing:))
    }

    public func put(_ key: String, _ value: String) async throws {
        try await etcdctl("put", "--", key, value)
    }

    public func delete(prefix: String) async throws {
        try await etcdctl("del", "--prefix", prefix)
    }
}

extension EtcdClient {
    /// Reads one member's own view: version, size, leader. `/v3/maintenance/status`.
    ///
    /// etcd 3.5.30 and later deny it to every user but root (`.permissionDenied`): nothing that a plugin does may depend on
    /// it. ``version(of:timeout:)`` and ``health(of:timeout:)`` need no user.
    ///
    /// - Parameter endpoint: the member to ask; nil for the first that answers.
    public func status(of endpoint: Endpoint? = nil, timeout: Duration? = nil) async throws(EtcdError) -> MemberStatus {
        let call = GatewayCall(
            operation: "status", path: "/v3/maintenance/status", body: Array("{}".utf8), requiresLeader: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            try WireJSON.decode(WireStatusResponse.self, from: answer.body).model(endpoint: answer.endpoint)
        }
    }

    /// Reads the versions of a member and its cluster. `GET /version`, which needs no user.
    public func version(of endpoint: Endpoint? = nil, timeout: Duration? = nil) async throws(EtcdError) -> EtcdVersion {
        let call = GatewayCall(operation: "version", path: "/version", requiresLeader: false, requiresToken: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            let wire = try WireJSON.decode(WireVersionResponse.self, from: answer.body)
            return EtcdVersion(
                server: wire.etcdserver, cluster: wire.etcdcluster, clock: answer.date.flatMap(HTTPDate.seconds))
        }
    }

    /// Asks whether the member can commit. `GET /health`, which needs no user. An unhealthy member answers with 503,
    /// and the call throws `.unavailable`.
    public func health(of endpoint: Endpoint? = nil, timeout: Duration? = nil) async throws(EtcdError) -> MemberHealth {
        let call = GatewayCall(operation: "health", path: "/health", requiresLeader: false, requiresToken: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            let wire = try WireJSON.decode(WireHealthResponse.self, from: answer.body)
            return MemberHealth(healthy: wire.health == "true", reason: wire.reason)
        }
    }

    /// Lists the alarms of all members. `/v3/maintenance/alarm`.
    ///
    /// Later versions may deny it to every user but root, like ``status(of:timeout:)``.
    ///
    /// - Parameter endpoint: the member to ask; nil for the first that answers.
    public func alarms(of endpoint: Endpoint? = nil, timeout: Duration? = nil) async throws(EtcdError) -> [MemberAlarm]
    {
        let call = GatewayCall(
            operation: "alarms", path: "/v3/maintenance/alarm",
            body: try gateway.encode(WireAlarmRequest(), "alarms"), requiresLeader: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            try WireJSON.decode(WireAlarmResponse.self, from: answer.body).model()
        }
    }

    /// Reads how large the member's database may become, in bytes, out of `GET /metrics`, which needs no user.
    ///
    /// - Returns: nil if the member does not tell. `/metrics` may be served at another address
    ///   (`--listen-metrics-urls`).
    public func quota(of endpoint: Endpoint, timeout: Duration? = nil) async throws(EtcdError) -> Int64? {
        let call = GatewayCall(operation: "metrics", path: "/metrics", requiresLeader: false, requiresToken: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            MetricLine.value(of: "etcd_server_quota_backend_bytes", in: answer.body).flatMap(Int64.init(exactly:))
        }
    }

    /// Finds out whether the user may change a key, without changing anything. `/v3/kv/txn`.
    ///
    /// The transaction would delete the key if its version were negative, which no version is. etcd looks at the
    /// permissions for what a transaction might do before it looks at its conditions. Unlike a put, a deletion is
    /// allowed while etcd is full.
    ///
    /// - Returns: false if etcd denies it.
    public func mayWrite(_ key: String, timeout: Duration? = nil) async throws(EtcdError) -> Bool {
        let never = Comparison.version(key, .less, 0)
        do throws(EtcdError) {
            _ = try await transaction(Transaction(when: [never], then: [.delete(key)]), timeout: timeout)
            return true
        } catch {
            guard error.code == .permissionDenied else { throw error }
            return false
        }
    }
}

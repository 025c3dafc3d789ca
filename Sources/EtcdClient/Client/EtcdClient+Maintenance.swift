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
            return EtcdVersion(server: wire.etcdserver, cluster: wire.etcdcluster)
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
}

extension EtcdClient {
    /// One member's own view: version, size, leader. `/v3/maintenance/status`.
    ///
    /// - Parameter endpoint: the member to ask; nil for whichever answers.
    public func status(of endpoint: Endpoint? = nil, timeout: Duration? = nil) async throws(EtcdError) -> MemberStatus {
        let call = GatewayCall(
            operation: "status", path: "/v3/maintenance/status", body: Array("{}".utf8), requiresLeader: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            try WireJSON.decode(WireStatusResponse.self, from: answer.body).model(endpoint: answer.endpoint)
        }
    }

    /// `GET /version`. Needs no user.
    public func version(of endpoint: Endpoint? = nil, timeout: Duration? = nil) async throws(EtcdError) -> EtcdVersion {
        let call = GatewayCall(operation: "version", path: "/version", requiresLeader: false, requiresToken: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            let wire = try WireJSON.decode(WireVersionResponse.self, from: answer.body)
            return EtcdVersion(server: wire.etcdserver, cluster: wire.etcdcluster)
        }
    }

    /// `GET /health`: whether the member can commit. Needs no user. An unhealthy member answers with a 503, which
    /// arrives here as `.unavailable`.
    public func health(of endpoint: Endpoint? = nil, timeout: Duration? = nil) async throws(EtcdError) -> MemberHealth {
        let call = GatewayCall(operation: "health", path: "/health", requiresLeader: false, requiresToken: false)
        return try await gateway.perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            let wire = try WireJSON.decode(WireHealthResponse.self, from: answer.body)
            return MemberHealth(healthy: wire.health == "true", reason: wire.reason)
        }
    }
}

extension EtcdClient {
    /// Makes a new lease. `/v3/lease/grant`.
    ///
    /// - Parameter ttl: rounded up to whole seconds; the server may grant more.
    /// - Parameter id: the ID of the lease; nil lets the server choose.
    public func grantLease(
        ttl: Duration, id: LeaseID? = nil, timeout: Duration? = nil
    ) async throws(EtcdError) -> Lease {
        let request = WireLeaseGrantRequest(TTL: WireInt64(ttl.wholeSeconds), ID: WireInt64(id?.rawValue ?? 0))
        let call = GatewayCall(
            operation: "lease grant", path: "/v3/lease/grant", body: try gateway.encode(request, "lease grant"),
            isWrite: true)
        return try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            try WireJSON.decode(WireLeaseGrantResponse.self, from: answer.body).model()
        }
    }

    /// Renews a lease once. `/v3/lease/keepalive`.
    ///
    /// - Returns: the new time to live; nil if the lease is dead and its keys are gone. An error says nothing about
    ///   the lease: it may still be alive.
    public func keepAlive(_ lease: LeaseID, timeout: Duration? = nil) async throws(EtcdError) -> Duration? {
        let call = GatewayCall(
            operation: "lease keep-alive", path: "/v3/lease/keepalive",
            body: try gateway.encode(WireLeaseRequest(lease), "lease keep-alive"))
        return try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            let line = try WireJSON.decode(WireStreamLine<WireLeaseKeepAliveResponse>.self, from: answer.body)
            guard let result = line.result else { throw WireViolation("field result is missing") }
            return try result.model(for: lease)
        }
    }

    /// Ends a lease and deletes its keys. `/v3/lease/revoke`.
    ///
    /// - Throws: `.leaseNotFound` if the lease was already dead.
    public func revoke(_ lease: LeaseID, timeout: Duration? = nil) async throws(EtcdError) {
        let call = GatewayCall(
            operation: "lease revoke", path: "/v3/lease/revoke",
            body: try gateway.encode(WireLeaseRequest(lease), "lease revoke"), isWrite: true)
        _ = try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            try WireJSON.decode(WireHeaderOnlyResponse.self, from: answer.body)
        }
    }

    /// Reads how long a lease has left, without renewing it; nil if it is dead. `/v3/lease/timetolive`.
    public func timeToLive(
        _ lease: LeaseID, keys: Bool = false, timeout: Duration? = nil
    ) async throws(EtcdError) -> LeaseStatus? {
        let request = WireLeaseTimeToLiveRequest(ID: WireInt64(lease.rawValue), keys: keys)
        let call = GatewayCall(
            operation: "lease time-to-live", path: "/v3/lease/timetolive",
            body: try gateway.encode(request, "lease time-to-live"))
        return try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            try WireJSON.decode(WireLeaseTimeToLiveResponse.self, from: answer.body).model()
        }
    }
}

extension Duration {
    /// Rounded up: a lease must not be shorter than asked for.
    fileprivate var wholeSeconds: Int64 {
        let (seconds, attoseconds) = components
        return max(1, attoseconds > 0 ? seconds + 1 : seconds)
    }
}

extension EtcdClient {
    /// Reads one key; nil if it does not exist. `/v3/kv/range`.
    ///
    /// - Parameter serializable: see ``RangeRequest/serializable``.
    /// - Parameter timeout: used instead of the configured ``EtcdConfiguration/requestTimeout``.
    public func get(
        _ key: String, serializable: Bool = false, timeout: Duration? = nil
    ) async throws(EtcdError) -> KeyValue? {
        var request = RangeRequest(.key(key))
        request.serializable = serializable
        return try await range(request, timeout: timeout).kvs.first
    }

    /// `/v3/kv/range`.
    public func range(_ request: RangeRequest, timeout: Duration? = nil) async throws(EtcdError) -> RangeResponse {
        try await gateway.range(request, timeout: timeout)
    }

    /// Writes a key, whatever its value before. `/v3/kv/put`.
    ///
    /// - Parameter lease: etcd deletes the key when this lease expires; nil to keep the key for good.
    @discardableResult
    public func put(
        _ key: String, _ value: [UInt8], lease: LeaseID? = nil, timeout: Duration? = nil
    ) async throws(EtcdError) -> PutResponse {
        let request = WirePutRequest(key: key, value: value, lease: lease)
        let call = GatewayCall(
            operation: "put", path: "/v3/kv/put", body: try gateway.encode(request, "put"), isWrite: true)
        return try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            try WireJSON.decode(WirePutResponse.self, from: answer.body).model()
        }
    }

    @discardableResult
    public func put(
        _ key: String, _ value: String, lease: LeaseID? = nil, timeout: Duration? = nil
    ) async throws(EtcdError) -> PutResponse {
        try await put(key, Array(value.utf8), lease: lease, timeout: timeout)
    }

    /// Deletes a key. `/v3/kv/deleterange`.
    @discardableResult
    public func delete(_ key: String, timeout: Duration? = nil) async throws(EtcdError) -> DeleteResponse {
        try await delete(.key(key), timeout: timeout)
    }

    /// Deletes every key that begins with `prefix`, in one revision.
    @discardableResult
    public func delete(prefix: String, timeout: Duration? = nil) async throws(EtcdError) -> DeleteResponse {
        try await delete(.prefix(prefix), timeout: timeout)
    }

    @discardableResult
    public func delete(_ keys: KeyRange, timeout: Duration? = nil) async throws(EtcdError) -> DeleteResponse {
        let call = GatewayCall(
            operation: "delete", path: "/v3/kv/deleterange",
            body: try gateway.encode(WireDeleteRequest(keys), "delete"), isWrite: true)
        return try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            try WireJSON.decode(WireDeleteResponse.self, from: answer.body).model()
        }
    }

    /// Compare-and-set, or several reads at one revision. `/v3/kv/txn`.
    ///
    /// If neither branch writes, the client repeats the transaction after a failure, like a read.
    public func transaction(
        _ transaction: Transaction, timeout: Duration? = nil
    ) async throws(EtcdError) -> TransactionResponse {
        let body = try gateway.encode(WireTransactionRequest(transaction), "transaction")
        let call = GatewayCall(
            operation: "transaction", path: "/v3/kv/txn", body: body, isWrite: transaction.mayWrite)
        return try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            try WireJSON.decode(WireTransactionResponse.self, from: answer.body).model(for: transaction)
        }
    }

    /// Makes etcd forget the history before `revision`. Watches and reads of that history then get `.compacted`.
    /// `/v3/kv/compaction`.
    public func compact(before revision: Int64, timeout: Duration? = nil) async throws(EtcdError) {
        let request = WireCompactionRequest(revision: WireInt64(revision), physical: false)
        let call = GatewayCall(
            operation: "compact", path: "/v3/kv/compaction", body: try gateway.encode(request, "compact"),
            isWrite: true)
        _ = try await gateway.perform(call, timeout: timeout) { answer throws(WireViolation) in
            try WireJSON.decode(WireHeaderOnlyResponse.self, from: answer.body)
        }
    }
}

extension Transaction {
    fileprivate var mayWrite: Bool {
        (then + otherwise).contains { operation in
            if case .range = operation { false } else { true }
        }
    }
}

extension Gateway {
    func range(
        _ request: RangeRequest, timeout: Duration? = nil, only endpoint: Endpoint? = nil
    ) async throws(EtcdError) -> RangeResponse {
        let call = GatewayCall(
            operation: "range", path: "/v3/kv/range", body: try encode(WireRangeRequest(request), "range"),
            requiresLeader: !request.serializable, bringsPage: request.keys.end != nil)
        return try await perform(call, timeout: timeout, only: endpoint) { answer throws(WireViolation) in
            try WireJSON.decode(WireRangeResponse.self, from: answer.body).model()
        }
    }
}

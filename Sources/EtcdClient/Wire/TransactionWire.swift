/// `TxnRequest`, to `/v3/kv/txn`.
struct WireTransactionRequest: Encodable, Sendable {
    var compare: [WireCompare]
    var success: [WireOperation]
    var failure: [WireOperation]

    init(_ transaction: Transaction) {
        compare = transaction.when.map { WireCompare($0) }
        success = transaction.then.map { WireOperation($0) }
        failure = transaction.otherwise.map { WireOperation($0) }
    }
}

/// `Compare`. Every field is written out, zeros too: etcd takes a missing value for 0 and ignores a misspelt one, so
/// a guard that was left out would hold silently.
struct WireCompare: Encodable, Sendable {
    var key: WireBytes
    var result: String
    var target: String
    var version: WireInt64?
    var create_revision: WireInt64?
    var mod_revision: WireInt64?
    var value: WireBytes?
    var lease: WireInt64?

    init(_ comparison: Comparison) {
        key = WireBytes(Array(comparison.key.utf8))
        result = comparison.relation.rawValue
        switch comparison.target {
        case .version(let number):
            target = "VERSION"
            version = WireInt64(number)
        case .createRevision(let revision):
            target = "CREATE"
            create_revision = WireInt64(revision)
        case .modRevision(let revision):
            target = "MOD"
            mod_revision = WireInt64(revision)
        case .value(let bytes):
            target = "VALUE"
            value = WireBytes(bytes)
        case .lease(let id):
            target = "LEASE"
            lease = WireInt64(id.rawValue)
        }
    }
}

/// `RequestOp`: exactly one of them is set.
struct WireOperation: Encodable, Sendable {
    var request_range: WireRangeRequest?
    var request_put: WirePutRequest?
    var request_delete_range: WireDeleteRequest?

    init(_ operation: Operation) {
        switch operation {
        case .put(let key, let value, let lease):
            request_put = WirePutRequest(key: key, value: value, lease: lease)
        case .delete(let keys):
            request_delete_range = WireDeleteRequest(keys)
        case .range(let request):
            request_range = WireRangeRequest(request)
        }
    }
}

/// `TxnResponse`. Comparisons that did not hold: no `succeeded`.
struct WireTransactionResponse: Decodable, Sendable {
    var header: WireHeader
    var succeeded: Bool?
    var responses: [WireOperationResponse]?

    /// An answer that does not fit what was asked is no answer.
    func model(for transaction: Transaction) throws(WireViolation) -> TransactionResponse {
        let succeeded = succeeded ?? false
        let operations = succeeded ? transaction.then : transaction.otherwise
        let responses = responses ?? []
        guard responses.count == operations.count else {
            throw WireViolation("\(responses.count) responses for \(operations.count) operations")
        }
        var results: [OperationResponse] = []
        for (operation, response) in zip(operations, responses) {
            results.append(try response.model(for: operation))
        }
        return TransactionResponse(
            succeeded: succeeded, revision: try header.requireRevision(), responses: results)
    }
}

/// `ResponseOp`.
struct WireOperationResponse: Decodable, Sendable {
    var response_range: WireRangeResponse?
    var response_put: WirePutResponse?
    var response_delete_range: WireDeleteResponse?

    func model(for operation: Operation) throws(WireViolation) -> OperationResponse {
        switch operation {
        case .put:
            guard response_put != nil else { throw WireViolation("field response_put is missing") }
            return .put
        case .delete:
            guard let response_delete_range else { throw WireViolation("field response_delete_range is missing") }
            return .delete(deleted: response_delete_range.deleted?.value ?? 0)
        case .range:
            guard let response_range else { throw WireViolation("field response_range is missing") }
            return .range(try response_range.model())
        }
    }
}

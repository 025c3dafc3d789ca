/// `RangeRequest`, to `/v3/kv/range`.
struct WireRangeRequest: Encodable, Sendable {
    var key: WireBytes
    var range_end: WireBytes?
    var limit: WireInt64?
    var revision: WireInt64?
    var serializable: Bool?
    var keys_only: Bool?
    var count_only: Bool?

    init(_ request: RangeRequest) {
        key = WireBytes(request.keys.start)
        range_end = request.keys.end.map { WireBytes($0) }
        limit = WireInt64(request.limit)
        revision = WireInt64(request.revision)
        serializable = request.serializable ? true : nil
        keys_only = request.keysOnly ? true : nil
        count_only = request.countOnly ? true : nil
    }
}

/// `RangeResponse`. No keys: no `kvs` and no `count`.
struct WireRangeResponse: Decodable, Sendable {
    var header: WireHeader
    var kvs: [WireKeyValue]?
    var more: Bool?
    var count: WireInt64?

    func model() throws(WireViolation) -> RangeResponse {
        let kvs = try (kvs ?? []).model()
        let count = count?.value ?? 0
        guard count >= kvs.count else { throw WireViolation("field count is less than the number of keys") }
        return RangeResponse(revision: try header.requireRevision(), kvs: kvs, more: more ?? false, count: count)
    }
}

/// `PutRequest`, to `/v3/kv/put`.
struct WirePutRequest: Encodable, Sendable {
    var key: WireBytes
    var value: WireBytes
    var lease: WireInt64?

    init(key: String, value: [UInt8], lease: LeaseID?) {
        self.key = WireBytes(Array(key.utf8))
        self.value = WireBytes(value)
        self.lease = WireInt64(lease?.rawValue)
    }
}

struct WirePutResponse: Decodable, Sendable {
    var header: WireHeader

    func model() throws(WireViolation) -> PutResponse {
        PutResponse(revision: try header.requireRevision())
    }
}

/// `DeleteRangeRequest`, to `/v3/kv/deleterange`.
struct WireDeleteRequest: Encodable, Sendable {
    var key: WireBytes
    var range_end: WireBytes?

    init(_ keys: KeyRange) {
        key = WireBytes(keys.start)
        range_end = keys.end.map { WireBytes($0) }
    }
}

/// `DeleteRangeResponse`. Nothing deleted: no `deleted`.
struct WireDeleteResponse: Decodable, Sendable {
    var header: WireHeader
    var deleted: WireInt64?

    func model() throws(WireViolation) -> DeleteResponse {
        DeleteResponse(revision: try header.requireRevision(), deleted: deleted?.value ?? 0)
    }
}

/// `CompactionRequest`, to `/v3/kv/compaction`.
struct WireCompactionRequest: Encodable, Sendable {
    var revision: WireInt64
    var physical: Bool
}

/// Answers of which only the header matters.
struct WireHeaderOnlyResponse: Decodable, Sendable {
    var header: WireHeader
}

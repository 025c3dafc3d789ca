/// `WatchRequest`, to `/v3/watch`.
struct WireWatchRequest: Encodable, Sendable {
    struct Create: Encodable, Sendable {
        var key: WireBytes
        var range_end: WireBytes?
        var start_revision: WireInt64?
        var progress_notify: Bool
        var prev_kv: Bool?
    }

    var create_request: Create

    init(_ keys: KeyRange, from revision: Int64?, includesPrevious: Bool) {
        create_request = Create(
            key: WireBytes(keys.start), range_end: keys.end.map { WireBytes($0) },
            start_revision: WireInt64(revision), progress_notify: true, prev_kv: includesPrevious ? true : nil)
    }
}

/// `WatchResponse`: one line of the stream. The refusal of a compacted revision has no `header.revision`.
struct WireWatchResponse: Decodable, Sendable {
    var header: WireHeader
    var created: Bool?
    var canceled: Bool?
    var compact_revision: WireInt64?
    var cancel_reason: String?
    var events: [WireEvent]?
}

/// `mvccpb.Event`. PUT is the zero of its enumeration, and left out.
struct WireEvent: Decodable, Sendable {
    var type: String?
    var kv: WireKeyValue
    var prev_kv: WireKeyValue?

    func model() throws(WireViolation) -> WatchEvent {
        let change: WatchEvent.Change
        switch type {
        case nil, "PUT": change = .put(try kv.model())
        case "DELETE": change = .delete
        case .some(let type): throw WireViolation("event of unknown type \(type)")
        }
        return WatchEvent(
            keyBytes: kv.key.bytes, revision: kv.mod_revision.value, change: change, previous: try prev_kv?.model())
    }
}

/// `LeaseGrantRequest`, to `/v3/lease/grant`. ID 0: the server chooses.
struct WireLeaseGrantRequest: Encodable, Sendable {
    var TTL: WireInt64
    var ID: WireInt64
}

struct WireLeaseGrantResponse: Decodable, Sendable {
    var header: WireHeader
    var ID: WireInt64
    var TTL: WireInt64

    func model() throws(WireViolation) -> Lease {
        Lease(id: LeaseID(ID.value), ttl: .seconds(TTL.value))
    }
}

/// For `/v3/lease/keepalive` and `/v3/lease/revoke`.
struct WireLeaseRequest: Encodable, Sendable {
    var ID: WireInt64

    init(_ lease: LeaseID) {
        ID = WireInt64(lease.rawValue)
    }
}

/// A keep-alive's answer. A dead lease is answered with success, and without a `TTL`.
struct WireLeaseKeepAliveResponse: Decodable, Sendable {
    var header: WireHeader
    var ID: WireInt64
    var TTL: WireInt64?

    /// The new time to live; nil when the lease is dead.
    func model(for lease: LeaseID) throws(WireViolation) -> Duration? {
        guard ID.value == lease.rawValue else { throw WireViolation("the answer is about another lease") }
        guard let TTL, TTL.value > 0 else { return nil }
        return .seconds(TTL.value)
    }
}

/// `LeaseTimeToLiveRequest`, to `/v3/lease/timetolive`.
struct WireLeaseTimeToLiveRequest: Encodable, Sendable {
    var ID: WireInt64
    var keys: Bool
}

/// A dead lease has `"TTL":"-1"`; one in its last second has none.
struct WireLeaseTimeToLiveResponse: Decodable, Sendable {
    var header: WireHeader
    var ID: WireInt64
    var TTL: WireInt64?
    var grantedTTL: WireInt64?
    var keys: [WireBytes]?

    func model() throws(WireViolation) -> LeaseStatus? {
        let remaining = TTL?.value ?? 0
        guard remaining >= 0 else { return nil }
        guard let grantedTTL else { throw WireViolation("field grantedTTL is missing") }
        return LeaseStatus(
            remaining: .seconds(remaining), granted: .seconds(grantedTTL.value),
            keys: (keys ?? []).map { String(decoding: $0.bytes, as: UTF8.self) })
    }
}

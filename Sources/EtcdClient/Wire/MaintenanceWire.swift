/// `StatusResponse`, from `/v3/maintenance/status`. A member without a leader leaves `leader` out.
struct WireStatusResponse: Decodable, Sendable {
    var header: WireHeader
    var version: String
    var dbSize: WireInt64?
    var dbSizeInUse: WireInt64?
    var leader: WireUInt64?
    var errors: [String]?

    func model(endpoint: Endpoint) throws(WireViolation) -> MemberStatus {
        MemberStatus(
            endpoint: endpoint, header: try header.model(), version: version, databaseBytes: dbSize?.value ?? 0,
            databaseBytesInUse: dbSizeInUse?.value ?? 0, leader: leader.map(\.value), problems: errors ?? [])
    }
}

/// `GET /version`.
struct WireVersionResponse: Decodable, Sendable {
    var etcdserver: String
    var etcdcluster: String
}

/// `GET /health`. A sick member answers with status 503 and says why, from 3.5 on.
struct WireHealthResponse: Decodable, Sendable {
    var health: String
    var reason: String?
}

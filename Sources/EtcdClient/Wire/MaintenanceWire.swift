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

/// `AlarmRequest`, to `/v3/maintenance/alarm`. `GET` lists; member 0 and alarm `NONE` stand for all.
struct WireAlarmRequest: Encodable, Sendable {
    var action = "GET"
    var alarm = "NONE"
    var memberID = WireUInt64(0)
}

struct WireAlarmResponse: Decodable, Sendable {
    struct Alarm: Decodable, Sendable {
        var memberID: WireUInt64?
        var alarm: String?
    }

    /// Absent without any; and etcd 3.4 sends no header with them.
    var alarms: [Alarm]?

    func model() -> [MemberAlarm] {
        (alarms ?? []).map { alarm in
            let kind: MemberAlarm.Kind =
                switch alarm.alarm {
                case "NOSPACE": .noSpace
                case "CORRUPT": .corrupt
                default: .other(alarm.alarm ?? "NONE")
                }
            return MemberAlarm(memberID: alarm.memberID?.value ?? 0, kind: kind)
        }
    }
}

/// A line of Prometheus' text.
enum MetricLine {
    /// The value of a metric without labels; nil if it is not there.
    static func value(of name: String, in text: [UInt8]) -> Double? {
        let start = Array(name.utf8) + [UInt8(ascii: " ")]
        let line = text.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: start) }
        return line.flatMap { Double(String(decoding: $0.dropFirst(start.count), as: UTF8.self)) }
    }
}

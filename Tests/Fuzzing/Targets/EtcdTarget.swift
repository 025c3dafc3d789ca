import Rig

@testable import EtcdClient

/// What a server says that is taken for etcd.
struct EtcdTarget: FuzzTarget {
    let name = "etcd"
    let words = [
        "header", "cluster_id", "member_id", "revision", "raft_term", "kvs", "count", "more", "key", "value",
        "mod_revision", "create_revision", "version", "lease", "ID", "TTL", "grantedTTL", "succeeded", "responses",
        "response_range", "response_put", "response_delete_range", "result", "error", "events", "type", "DELETE",
        "canceled", "compact_revision", "cancel_reason", "rpc error: code = Unavailable desc = x", "grpc_code",
        "token", "leader", "dbSize", "etcdserver", "\"9223372036854775807\"", "\"-1\"", "AAAA", "=",
    ]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let refusal = ServerRefusal(HTTPResponse(status: 400, body: input))
        try hold(refusal.message.unicodeScalars.count <= 501, "a refusal of \(refusal.message.utf8.count) bytes")
        let verdicts = [refusal.verdict, ServerRefusal(cancelReason: text(input)).verdict].map { "\($0.code)" }
        try Self.splitsLinesAnywhere(input)
        return (verdicts + Self.answers(to: input).map(Self.kindOfAnswer)).joined(separator: " ")
    }

    /// What each call makes of these bytes.
    private static func answers(to input: [UInt8]) -> [Result<String, WireViolation>] {
        [
            answer(input, WireRangeResponse.self) { answer throws(WireViolation) in "\(try answer.model().kvs.count)" },
            answer(input, WirePutResponse.self) { answer throws(WireViolation) in "\(try answer.model().revision > 0)"
            },
            answer(input, WireDeleteResponse.self) { answer throws(WireViolation) in "\(try answer.model().deleted > 0)"
            },
            answer(input, WireTransactionResponse.self) { answer throws(WireViolation) in
                "\(try answer.model(for: transaction).succeeded)"
            },
            answer(input, WireLeaseGrantResponse.self) { answer throws(WireViolation) in
                "\(try answer.model().ttl > .zero)"
            },
            answer(input, WireLeaseKeepAliveResponse.self) { answer throws(WireViolation) in
                "\(try answer.model(for: LeaseID(7)) == nil)"
            },
            answer(input, WireLeaseTimeToLiveResponse.self) { answer throws(WireViolation) in
                "\(try answer.model() == nil)"
            },
            answer(input, WireStatusResponse.self) { answer throws(WireViolation) in
                "\(try answer.model(endpoint: Endpoint(host: "a")).problems.count)"
            },
            answer(input, WireStreamLine<WireWatchResponse>.self) { line throws(WireViolation) in
                for event in line.result?.events ?? [] { _ = try event.model() }
                return "\(line.result == nil) \(line.error?.refusal.verdict.code as Any)"
            },
            answer(input, WireAuthenticateResponse.self) { answer throws(WireViolation) in
                "\(try answer.model().isEmpty)"
            },
        ]
    }

    private static let transaction = Transaction(
        when: [], then: [.put("a", [1]), .delete("b")], otherwise: [.range(RangeRequest(.key("a")))])

    private static func answer<Wire: Decodable>(
        _ input: [UInt8], _ type: Wire.Type, _ model: (Wire) throws(WireViolation) -> String
    ) -> Result<String, WireViolation> {
        Result { () throws(WireViolation) in try model(try WireJSON.decode(type, from: input)) }
    }

    private static func kindOfAnswer(_ answer: Result<String, WireViolation>) -> String {
        switch answer {
        case .success(let text): text
        case .failure(let violation): String(kind(violation.problem).prefix(24))
        }
    }

    /// Wherever the network cuts the stream, the lines are the same.
    private static func splitsLinesAnywhere(_ input: [UInt8]) throws(Broken) {
        let whole = lines([input])
        let half = input.count / 2
        try hold(
            lines([Array(input[..<half]), Array(input[half...])]) == whole, "cut in the middle it has other lines")
        if input.count < 200 { try hold(lines(input.map { [$0] }) == whole, "byte by byte it has other lines") }
    }

    private static func lines(_ parts: [[UInt8]]) -> [[UInt8]] {
        var splitter = LineSplitter(limit: 1 << 20)
        var lines: [[UInt8]] = []
        for part in parts {
            splitter.feed(part)
            while let line = (try? splitter.next()) ?? nil { lines.append(line) }
        }
        return lines + [splitter.finish()].compactMap(\.self)
    }
}

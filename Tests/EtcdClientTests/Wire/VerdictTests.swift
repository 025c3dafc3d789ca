import Testing

@testable import EtcdClient

@Suite struct VerdictTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var status: Int
        var body: String
        var code: EtcdError.Code
        var effect: Verdict.Effect
        var remedy: Verdict.Remedy

        var testDescription: String { body }

        /// As 3.6 words it: a status of gRPC, which has no "error".
        var in36: Case {
            var test = self
            test.body = #"{"code":\#(grpcCode),"message":"\#(message)","details":[]}"#
            return test
        }

        private var grpcCode = 0
        private var message = ""

        init(
            _ status: Int, _ grpcCode: Int, _ message: String, _ code: EtcdError.Code, _ effect: Verdict.Effect,
            _ remedy: Verdict.Remedy
        ) {
            self.init(
                status, body: #"{"error":"\#(message)","message":"\#(message)","code":\#(grpcCode)}"#, code, effect,
                remedy)
            (self.grpcCode, self.message) = (grpcCode, message)
        }

        init(
            _ status: Int, body: String, _ code: EtcdError.Code, _ effect: Verdict.Effect, _ remedy: Verdict.Remedy
        ) {
            (self.status, self.body, self.code, self.effect, self.remedy) = (status, body, code, effect, remedy)
        }
    }

    /// etcd 3.4 and 3.5 as measured: the message twice, and the gRPC code.
    private static let gatewayAnswers = [
        Case(400, 11, "etcdserver: mvcc: required revision is a future revision", .refused, .none, .giveUp),
        Case(400, 11, "etcdserver: mvcc: required revision has been compacted", .compacted, .none, .giveUp),
        Case(400, 3, "etcdserver: key is not provided", .refused, .none, .giveUp),
        Case(400, 3, "etcdserver: duplicate key given in txn request", .refused, .none, .giveUp),
        Case(400, 3, "etcdserver: request is too large", .tooLarge, .none, .giveUp),
        Case(400, 3, "etcdserver: too many operations in txn request", .tooLarge, .none, .giveUp),
        Case(429, 8, "grpc: received message larger than max (3 vs. 2)", .tooLarge, .none, .giveUp),
        Case(404, 5, "etcdserver: requested lease not found", .leaseNotFound, .none, .giveUp),
        Case(412, 9, "etcdserver: lease already exists", .refused, .none, .giveUp),
        Case(429, 8, "etcdserver: mvcc: database space exceeded", .noSpace, .possible, .giveUp),
        Case(403, 7, "etcdserver: permission denied", .permissionDenied, .none, .giveUp),
        Case(401, 16, "etcdserver: invalid auth token", .unauthenticated, .none, .authenticate),
        Case(400, 3, "etcdserver: user name is empty", .unauthenticated, .none, .authenticate),
        Case(400, 3, "etcdserver: revision of auth store is old", .unauthenticated, .none, .authenticate),
        Case(
            400, 3, "etcdserver: authentication failed, invalid user ID or password", .unauthenticated, .none, .giveUp),
        Case(503, 14, "etcdserver: no leader", .unavailable, .none, .tryAgain),
        Case(429, 8, "etcdserver: too many requests", .unavailable, .none, .tryAgain),
        Case(500, 2, "raft proposal dropped", .unavailable, .none, .tryAgain),
        Case(503, 14, "etcdserver: request timed out", .unavailable, .possible, .tryAgain),
        Case(503, 14, "etcdserver: leader changed", .unavailable, .possible, .tryAgain),
        Case(503, 14, "etcdserver: server stopped", .unavailable, .possible, .tryAgain),
        Case(503, 14, "transport is closing", .unavailable, .possible, .tryAgain),
        Case(
            503, 14, "connection error: transport: Error while dialing dial tcp: connection refused", .unavailable,
            .none, .tryAgain),
        Case(504, 4, "context deadline exceeded", .timedOut, .possible, .tryAgain),
        Case(500, 13, "internal", .unavailable, .possible, .tryAgain),
        Case(501, 12, "unknown service", .protocolViolation, .none, .giveUp),
    ]

    @Test("An answer of etcd 3.4 and 3.5 means what its text and code say", arguments: gatewayAnswers)
    func answersMean(_ test: Case) { expectMeaning(of: test) }

    @Test("An answer of etcd 3.6, whose gateway drops \"error\", means the same", arguments: gatewayAnswers.map(\.in36))
    func answersOf36Mean(_ test: Case) { expectMeaning(of: test) }

    @Test(
        "A streaming call that fails at once says why, and so do strangers in etcd's place",
        arguments: [
            Case(
                503, body: #"{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}"#,
                .unavailable,
                .none, .tryAgain),
            // 3.6: a status in place of etcd's own object.
            Case(
                503, body: #"{"error":{"code":14,"message":"etcdserver: no leader","details":[]}}"#, .unavailable,
                .none,
                .tryAgain),
            Case(
                403, body: #"{"error":{"code":7,"message":"etcdserver: permission denied","details":[]}}"#,
                .permissionDenied, .none, .giveUp),
            // Not etcd's own words.
            Case(404, body: "Not Found\n", .protocolViolation, .none, .giveUp),
            Case(302, body: "", .protocolViolation, .none, .giveUp),
            Case(502, body: "<html>Bad Gateway</html>", .unavailable, .possible, .tryAgain),
        ])
    func otherAnswersMean(_ test: Case) { expectMeaning(of: test) }

    private func expectMeaning(of test: Case) {
        let refusal = ServerRefusal(HTTPResponse(test.status, test.body))
        #expect(refusal.verdict == Verdict(code: test.code, effect: test.effect, remedy: test.remedy))
        #expect(refusal.httpStatus == test.status)
    }

    @Test(arguments: [
        ("rpc error: code = PermissionDenied desc = etcdserver: permission denied", EtcdError.Code.permissionDenied),
        ("rpc error: code = InvalidArgument desc = etcdserver: user name is empty", .unauthenticated),
        ("rpc error: code = Unauthenticated desc = etcdserver: invalid auth token", .unauthenticated),
        ("etcdserver: no leader", .unavailable),
        ("something new", .unavailable),
        ("", .unavailable),
    ])
    func cancelledWatchesSayWhy(_ reason: String, _ code: EtcdError.Code) {
        #expect(ServerRefusal(cancelReason: reason).verdict.code == code)
    }

    @Test func aStrangeAnswerIsQuotedInPart() {
        let refusal = ServerRefusal(HTTPResponse(502, "<html>\nproxy" + String(repeating: "x", count: 5000)))
        #expect(refusal.message.contains("<html> proxy"))
        #expect(refusal.message.count < 200)
    }
}

import Testing

@testable import EtcdClient

/// The shell around the decisions: which endpoint is asked, in which order, with which token.
@Suite struct GatewayTests {
    private static let ok = HTTPResponse(
        200, #"{"header":{"cluster_id":"1","member_id":"2","revision":"7","raft_term":"3"}}"#)
    private static let refused = TransportFailure(
        reason: .connecting, mayHaveBeenSent: false, detail: "connection refused")

    @Test func allCallsMoveOnFromAnEndpointThatFailed() async throws {
        let transport = RecordingTransport { request, _ in
            request.endpoint.host == "a" ? .failure(Self.refused) : .success(Self.ok)
        }
        let client = try EtcdClient(over: transport, endpoints: "a,b")
        try await client.put("k", "v")
        try await client.put("k", "v")
        #expect(transport.requests.map(\.endpoint.host) == ["a", "b", "b"])
    }

    @Test func aWriteThatMayHaveHappenedIsSentOnceAndTheNextCallGoesElsewhere() async throws {
        let transport = RecordingTransport { request, _ in
            request.endpoint.host == "a"
                ? .failure(TransportFailure(reason: .timedOut, mayHaveBeenSent: true, detail: "timed out"))
                : .success(Self.ok)
        }
        let client = try EtcdClient(over: transport, endpoints: "a,b")
        let error = try await failure { try await client.put("k", "v") }
        #expect(error.outcome == .unknown && error.endpoint?.host == "a")
        #expect(transport.requests.count == 1)
        _ = try await client.get("k")
        #expect(transport.requests.map(\.endpoint.host) == ["a", "b"])
    }

    /// etcd 3.5.30 and later deny it, since it tells of the whole cluster.
    @Test("A user who may not read a member's status goes on with everything else, at the same endpoint")
    func deniedStatus() async throws {
        let denial = #"{"error":"etcdserver: permission denied","message":"etcdserver: permission denied","code":7}"#
        let transport = RecordingTransport { request, _ in
            .success(request.path == "/v3/maintenance/status" ? HTTPResponse(403, denial) : Self.ok)
        }
        let client = try EtcdClient(over: transport, endpoints: "a,b")
        let error = try await failure { _ = try await client.status() }
        #expect(error.code == .permissionDenied && error.outcome == .refused)
        try await client.put("k", "v")
        #expect(transport.requests.map(\.endpoint.host) == ["a", "a"])
    }

    @Test func aTransactionThatOnlyReadsIsRepeatedLikeARead() async throws {
        let transport = RecordingTransport { request, number in
            number == 1
                ? .failure(TransportFailure(reason: .broken, mayHaveBeenSent: true, detail: "reset"))
                : .success(HTTPResponse(200, #"{"header":{"revision":"7"},"succeeded":true}"#))
        }
        let client = try EtcdClient(over: transport)
        _ = try await client.transaction(Transaction(when: [.keyPresent("a")], then: []))
        #expect(transport.requests.count == 2)
    }

    @Test func callsThatLoseTheirTokenTogetherRenewItOnce() async throws {
        // The first token is good for nothing, the second for everything.
        let transport = RecordingTransport { request, _ in
            if request.path == "/v3/auth/authenticate" {
                return .success(HTTPResponse(200, #"{"token":"good"}"#))
            }
            let token = request.headers.first { $0.name == "Authorization" }?.value
            return .success(
                token == "good"
                    ? Self.ok : HTTPResponse(401, #"{"message":"etcdserver: invalid auth token","code":16}"#))
        }
        let stale = OneTimeAuthenticator(first: "stale", transport: transport)
        let client = EtcdClient(
            configuration: EtcdConfiguration(
                endpoints: [Endpoint(host: "a")], credentials: EtcdCredentials(username: "u", password: "p")),
            transport: stale, logger: quietLogger)
        _ = try await client.get("k")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await client.get("k") } }
            try await group.waitForAll()
        }
        #expect(transport.requests.filter { $0.path == "/v3/auth/authenticate" }.count == 1)
    }

    @Test func aServerWithAuthenticationOffIsUsedWithoutAToken() async throws {
        let transport = RecordingTransport { request, _ in
            request.path == "/v3/auth/authenticate"
                ? .success(
                    HTTPResponse(412, #"{"message":"etcdserver: authentication is not enabled","code":9}"#))
                : .success(Self.ok)
        }
        let credentials = EtcdCredentials(username: "u", password: "p")
        let client = try EtcdClient(over: transport, credentials: credentials)
        try await client.put("k", "v")
        try await client.put("k", "v")
        #expect(transport.requests.map(\.path) == ["/v3/auth/authenticate", "/v3/kv/put", "/v3/kv/put"])
    }

    @Test func aWrongPasswordIsNotTriedAgainAndNotRepeated() async throws {
        let body = #"{"message":"etcdserver: authentication failed, invalid user ID or password","code":3}"#
        let transport = RecordingTransport { _, _ in .success(HTTPResponse(400, body)) }
        let credentials = EtcdCredentials(username: "u", password: "hunter2")
        let client = try EtcdClient(over: transport, credentials: credentials)
        let error = try await failure { try await client.put("k", "v") }
        #expect(error.code == .unauthenticated && error.outcome == .refused)
        #expect(transport.requests.count == 1)
        #expect(!"\(error)".contains("hunter2") && !"\(credentials)".contains("hunter2"))
        #expect(!String(reflecting: credentials).contains("hunter2"))
    }

    @Test func aPinnedRevisionIsKeptForAllPages() async throws {
        @Sendable func page(_ key: String, more: Bool) -> HTTPResponse {
            let kv = #"{"key":"\#(key)","create_revision":"2","mod_revision":"2","version":"1"}"#
            // The store moves on between the pages.
            let revision = more ? 7 : 9
            return HTTPResponse(
                200, #"{"header":{"revision":"\#(revision)"},"kvs":[\#(kv)],"count":"9","more":\#(more)}"#)
        }
        let transport = RecordingTransport { _, number in
            .success(page(number == 1 ? "YQ==" : "Yg==", more: number == 1))
        }
        let list = try await EtcdClient(over: transport).list(prefix: "", pageSize: 1)
        #expect(list.kvs.map(\.key) == ["a", "b"])
        #expect(list.revision == 7)
        #expect(transport.requests[0].bodyText == #"{"key":"AA==","limit":"1","range_end":"AA=="}"#)
        #expect(
            transport.requests[1].bodyText
                == #"{"key":"YQA=","limit":"2","range_end":"AA==","revision":"7"}"#)
    }

    /// etcd walks over all that is left for each page: with pages of one size, many keys would take their square in time.
    @Test func pagesGrowUpToEightTimesTheFirst() async throws {
        let transport = RecordingTransport { _, number in
            let kv = #"{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1"}"#
            return .success(
                HTTPResponse(
                    200,
                    #"{"header":{"revision":"7"},"kvs":[\#(kv)],"count":"9","more":\#(number < 6)}"#))
        }
        _ = try await EtcdClient(over: transport).list(prefix: "", pageSize: 10)
        let limits = transport.requests.map { request in
            [10, 20, 40, 80, 160].first { request.bodyText?.contains(#""limit":"\#($0)""#) == true }
        }
        #expect(limits == [10, 20, 40, 80, 80, 80])
    }

    @Test func aFollowerIsToldThatAReadingBeginsAgain() async throws {
        let compacted = HTTPResponse(
            400, #"{"message":"etcdserver: mvcc: required revision has been compacted","code":11}"#)
        @Sendable func page(_ key: String, revision: Int, more: Bool) -> HTTPResponse {
            let kv = #"{"key":"\#(key)","create_revision":"2","mod_revision":"2","version":"1"}"#
            return HTTPResponse(
                200, #"{"header":{"revision":"\#(revision)"},"kvs":[\#(kv)],"count":"9","more":\#(more)}"#)
        }
        let transport = RecordingTransport { _, number in
            switch number {
            case 1: .success(page("YQ==", revision: 7, more: true))
            case 2: .success(compacted)
            case 3: .success(page("Yg==", revision: 20, more: true))
            default: .success(page("Yw==", revision: 21, more: false))
            }
        }
        var follow = try EtcdClient(over: transport).follow(prefix: "").makeAsyncIterator()
        var told: [String] = []
        for _ in 0..<4 {
            switch try await follow.next() {
            case .page(let kvs, let isFirst): told.append(kvs.map(\.key).joined() + (isFirst ? " first" : ""))
            case .snapshot(let revision): told.append("\(revision)")
            case let other: told.append("\(String(describing: other))")
            }
        }
        #expect(told == ["a first", "b first", "c", "20"])
    }

    @Test func aListThatWasCompactedAwayBeginsAgain() async throws {
        let compacted = HTTPResponse(
            400, #"{"message":"etcdserver: mvcc: required revision has been compacted","code":11}"#)
        let first = HTTPResponse(
            200,
            #"{"header":{"revision":"7"},"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1"}],"count":"2","more":true}"#
        )
        let transport = RecordingTransport { request, number in
            switch number {
            case 1: .success(first)
            case 2: .success(compacted)
            default: .success(HTTPResponse(200, #"{"header":{"revision":"20"}}"#))
            }
        }
        let list = try await EtcdClient(over: transport).list(prefix: "")
        #expect(list == ListResponse(kvs: [], revision: 20))
        #expect(transport.requests[2].bodyText?.contains("revision") == false)
    }

    @Test func aListThatIsCompactedAgainAndAgainGivesUp() async throws {
        let compacted = HTTPResponse(
            400, #"{"message":"etcdserver: mvcc: required revision has been compacted","code":11}"#)
        let transport = RecordingTransport { _, _ in .success(compacted) }
        let error = try await failure { _ = try await EtcdClient(over: transport).list(prefix: "") }
        #expect(error.code == .compacted)
        #expect(transport.requests.count == 3)
    }

    @Test func aCallWithoutTimeDoesNotStart() async throws {
        let transport = RecordingTransport { _, _ in .failure(Self.refused) }
        let client = try EtcdClient(over: transport)
        let error = try await failure { try await client.put("k", "v", timeout: .milliseconds(50)) }
        #expect(error.code == .timedOut && error.outcome == .failed)
        #expect(transport.requests.count == 1, "the pause before the second attempt is longer than what is left")
    }
}

/// Hands out a first token of its own, then lets everything through.
private final class OneTimeAuthenticator: HTTPTransport {
    private let first: String
    private let transport: RecordingTransport
    private let counter = TransferCounter()

    init(first: String, transport: RecordingTransport) {
        self.first = first
        self.transport = transport
    }

    func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPResponse {
        if request.path == "/v3/auth/authenticate", counter.next() == 1 {
            return HTTPResponse(200, #"{"token":"\#(first)"}"#)
        }
        return try await transport.send(request)
    }

    func open(_ request: HTTPRequest) -> any HTTPStream { transport.open(request) }
    func shutdown() async {}
    var statistics: TransportStatistics { TransportStatistics() }
}

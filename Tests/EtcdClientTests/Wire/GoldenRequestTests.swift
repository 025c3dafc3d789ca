import Testing

@testable import EtcdClient

/// What is sent, byte for byte. etcd ignores a field that it does not know and takes a missing one for zero: a
/// misspelt guard would be accepted in silence, and only these tests would notice.
@Suite struct GoldenRequestTests {
    private static let header = #""header":{"cluster_id":"1","member_id":"2","revision":"7","raft_term":"3"}"#

    /// The one request that `call` sends.
    private func request(
        answer: String = "{\(header)}", _ call: (EtcdClient) async throws -> Void
    ) async throws -> HTTPRequest {
        let transport = RecordingTransport(answering: answer)
        try await call(try EtcdClient(over: transport))
        try #require(transport.requests.count == 1)
        return transport.requests[0]
    }

    private func expect(
        _ path: String, _ body: String, answer: String = "{\(header)}",
        sourceLocation: SourceLocation = #_sourceLocation,
        _ call: (EtcdClient) async throws -> Void
    ) async throws {
        let request = try await request(answer: answer, call)
        #expect(request.path == path, sourceLocation: sourceLocation)
        #expect(request.bodyText == body, sourceLocation: sourceLocation)
    }

    @Test func get() async throws {
        try await expect("/v3/kv/range", #"{"key":"YQ=="}"#) { _ = try await $0.get("a") }
        try await expect("/v3/kv/range", #"{"key":"YQ==","serializable":true}"#) {
            _ = try await $0.get("a", serializable: true)
        }
    }

    @Test func range() async throws {
        try await expect(
            "/v3/kv/range",
            #"{"count_only":true,"key":"YS8=","keys_only":true,"limit":"5","range_end":"YTA=","revision":"9","serializable":true}"#
        ) { client in
            var range = RangeRequest(.prefix("a/"), limit: 5, revision: 9)
            (range.serializable, range.keysOnly, range.countOnly) = (true, true, true)
            _ = try await client.range(range)
        }
        try await expect("/v3/kv/range", #"{"key":"AA==","range_end":"AA=="}"#) {
            _ = try await $0.range(RangeRequest(.all))
        }
        try await expect("/v3/kv/range", #"{"key":"YQ==","range_end":"Yw=="}"#) {
            _ = try await $0.range(RangeRequest(.range("a", upTo: "c")))
        }
    }

    @Test func mayWrite() async throws {
        try await expect(
            "/v3/kv/txn",
            #"{"compare":[{"key":"YQ==","result":"LESS","target":"VERSION","version":"0"}],"failure":[],"success":[{"request_delete_range":{"key":"YQ=="}}]}"#
        ) { client in
            let may = try await client.mayWrite("a")
            #expect(may)
        }
    }

    @Test func put() async throws {
        try await expect("/v3/kv/put", #"{"key":"YQ==","value":"YjE="}"#) { try await $0.put("a", "b1") }
        try await expect("/v3/kv/put", #"{"key":"YQ==","lease":"77","value":""}"#) {
            try await $0.put("a", "", lease: LeaseID(77))
        }
        try await expect("/v3/kv/put", #"{"key":"YQ==","value":"AP/+"}"#) { try await $0.put("a", [0, 255, 254]) }
    }

    @Test func delete() async throws {
        try await expect("/v3/kv/deleterange", #"{"key":"YQ=="}"#) { try await $0.delete("a") }
        try await expect("/v3/kv/deleterange", #"{"key":"YS8=","range_end":"YTA="}"#) {
            try await $0.delete(prefix: "a/")
        }
    }

    @Test(arguments: [
        (
            Comparison.keyAbsent("a"), #"{"create_revision":"0","key":"YQ==","result":"EQUAL","target":"CREATE"}"#
        ),
        (.keyPresent("a"), #"{"create_revision":"0","key":"YQ==","result":"GREATER","target":"CREATE"}"#),
        (.modRevision("a", equals: 0), #"{"key":"YQ==","mod_revision":"0","result":"EQUAL","target":"MOD"}"#),
        (
            .modRevision("a", equals: 9_007_199_254_740_993),
            #"{"key":"YQ==","mod_revision":"9007199254740993","result":"EQUAL","target":"MOD"}"#
        ),
        (.modRevision("a", .less, 5), #"{"key":"YQ==","mod_revision":"5","result":"LESS","target":"MOD"}"#),
        (.createRevision("a", equals: 4), #"{"create_revision":"4","key":"YQ==","result":"EQUAL","target":"CREATE"}"#),
        (.version("a", equals: 0), #"{"key":"YQ==","result":"EQUAL","target":"VERSION","version":"0"}"#),
        (.version("a", .notEqual, 2), #"{"key":"YQ==","result":"NOT_EQUAL","target":"VERSION","version":"2"}"#),
        (.value("a", equals: []), #"{"key":"YQ==","result":"EQUAL","target":"VALUE","value":""}"#),
        (.value("a", equals: [98]), #"{"key":"YQ==","result":"EQUAL","target":"VALUE","value":"Yg=="}"#),
        (.lease("a", equals: LeaseID(0)), #"{"key":"YQ==","lease":"0","result":"EQUAL","target":"LEASE"}"#),
    ])
    func comparison(_ comparison: Comparison, _ json: String) async throws {
        try await expect(
            "/v3/kv/txn", #"{"compare":[\#(json)],"failure":[],"success":[]}"#
        ) { _ = try await $0.transaction(Transaction(when: [comparison], then: [])) }
    }

    @Test func transaction() async throws {
        let answer =
            #"{\#(Self.header),"succeeded":true,"responses":[{"response_put":{"header":{"revision":"7"}}},{"response_delete_range":{"header":{"revision":"7"}}},{"response_delete_range":{"header":{"revision":"7"}}}]}"#
        let body =
            #"{"compare":[{"create_revision":"0","key":"YQ==","result":"EQUAL","target":"CREATE"}],"#
            + #""failure":[{"request_range":{"key":"YQ=="}}],"#
            + #""success":[{"request_put":{"key":"YQ==","lease":"5","value":"Yg=="}},"#
            + #"{"request_delete_range":{"key":"Yw=="}},{"request_delete_range":{"key":"ZC8=","range_end":"ZDA="}}]}"#
        try await expect("/v3/kv/txn", body, answer: answer) { client in
            let transaction = Transaction(
                when: [.keyAbsent("a")],
                then: [.put("a", "b", lease: LeaseID(5)), .delete("c"), .delete(.prefix("d/"))],
                otherwise: [.get("a")])
            _ = try await client.transaction(transaction)
        }
    }

    @Test func leases() async throws {
        try await expect(
            "/v3/lease/grant", #"{"ID":"0","TTL":"10"}"#, answer: #"{\#(Self.header),"ID":"5","TTL":"10"}"#
        ) { _ = try await $0.grantLease(ttl: .seconds(10)) }
        try await expect(
            "/v3/lease/grant", #"{"ID":"5","TTL":"2"}"#, answer: #"{\#(Self.header),"ID":"5","TTL":"2"}"#
        ) { _ = try await $0.grantLease(ttl: .milliseconds(1001), id: LeaseID(5)) }
        try await expect(
            "/v3/lease/keepalive", #"{"ID":"5"}"#, answer: #"{"result":{\#(Self.header),"ID":"5","TTL":"10"}}"#
        ) { _ = try await $0.keepAlive(LeaseID(5)) }
        try await expect("/v3/lease/revoke", #"{"ID":"5"}"#) { try await $0.revoke(LeaseID(5)) }
        try await expect(
            "/v3/lease/timetolive", #"{"ID":"5","keys":true}"#, answer: #"{\#(Self.header),"ID":"5","TTL":"-1"}"#
        ) { _ = try await $0.timeToLive(LeaseID(5), keys: true) }
    }

    @Test func maintenance() async throws {
        try await expect("/v3/kv/compaction", #"{"physical":false,"revision":"5"}"#) { try await $0.compact(before: 5) }
        try await expect("/v3/maintenance/status", "{}", answer: #"{\#(Self.header),"version":"3.5.1"}"#) {
            _ = try await $0.status()
        }
        try await expect("/v3/maintenance/alarm", #"{"action":"GET","alarm":"NONE","memberID":"0"}"#) {
            _ = try await $0.alarms()
        }
        let metrics = try await request(answer: "etcd_server_quota_backend_bytes 2.147483648e+09\n") {
            let quota = try await $0.quota(of: Endpoint(host: "e"))
            #expect(quota == 2 << 30)
        }
        #expect(metrics.path == "/metrics" && metrics.bodyText == nil)
        let version = try await request(answer: #"{"etcdserver":"3.5.1","etcdcluster":"3.5.0"}"#) {
            _ = try await $0.version()
        }
        #expect(version.path == "/version" && version.bodyText == nil)
        let health = try await request(answer: #"{"health":"true"}"#) { _ = try await $0.health() }
        #expect(health.path == "/health" && health.bodyText == nil)
    }

    @Test func watch() throws {
        let now = WireWatchRequest(.key("a"), from: nil, includesPrevious: false)
        #expect(try text(WireJSON.encode(now)) == #"{"create_request":{"key":"YQ==","progress_notify":true}}"#)
        let prefix = WireWatchRequest(.prefix("a/"), from: 12, includesPrevious: true)
        #expect(
            try text(WireJSON.encode(prefix))
                == #"{"create_request":{"key":"YS8=","prev_kv":true,"progress_notify":true,"range_end":"YTA=","start_revision":"12"}}"#
        )
    }

    @Test func authentication() async throws {
        let transport = RecordingTransport { request, _ in
            request.path == "/v3/auth/authenticate"
                ? .success(HTTPResponse(200, #"{\#(Self.header),"token":"t.1"}"#))
                : .success(HTTPResponse(200, "{\(Self.header)}"))
        }
        let credentials = EtcdCredentials(username: "root", password: #"p"ä"#)
        let client = try EtcdClient(over: transport, credentials: credentials)
        _ = try await client.get("a")
        _ = try await client.get("a")
        #expect(transport.requests.map(\.path) == ["/v3/auth/authenticate", "/v3/kv/range", "/v3/kv/range"])
        #expect(transport.requests[0].bodyText == #"{"name":"root","password":"p\"ä"}"#)
        #expect(transport.requests[0].headers.allSatisfy { $0.name != "Authorization" })
        #expect(transport.requests[2].headers.contains(HTTPHeader(name: "Authorization", value: "t.1")))
    }

    @Test func membersWithoutALeaderAreToldToRefuse() async throws {
        let leader = HTTPHeader(name: "Grpc-Metadata-hasleader", value: "true")
        #expect(try await request { _ = try await $0.get("a") }.headers.contains(leader))
        #expect(try await request { try await $0.put("a", "") }.headers.contains(leader))
        let local = try await request { _ = try await $0.get("a", serializable: true) }
        #expect(!local.headers.contains(leader))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

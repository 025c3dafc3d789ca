import Testing

@testable import EtcdClient

/// What is accepted as an answer, and what is not.
@Suite struct DecodingTests {
    private static let header = #""header":{"cluster_id":"1","member_id":"2","revision":"7","raft_term":"3"}"#

    private func client(answering body: String) throws -> EtcdClient {
        try EtcdClient(over: RecordingTransport(answering: body))
    }

    // MARK: What etcd leaves out

    @Test func anEmptyRangeHasNeitherKeysNorCount() async throws {
        let response = try await client(answering: "{\(Self.header)}").range(RangeRequest(.key("a")))
        #expect(response == RangeResponse(revision: 7, kvs: [], more: false, count: 0))
    }

    @Test func anEmptyValueIsLeftOut() async throws {
        let kv = #"{"key":"YQ==","create_revision":"2","mod_revision":"3","version":"4","lease":"9"}"#
        let value = try await client(answering: #"{\#(Self.header),"kvs":[\#(kv)],"count":"1"}"#).get("a")
        #expect(
            value
                == KeyValue(
                    keyBytes: [0x61], value: [], createRevision: 2, modRevision: 3, version: 4, lease: LeaseID(9)))
    }

    @Test func numbersAreAcceptedBesideStrings() async throws {
        let kv = #"{"key":"YQ==","create_revision":2,"mod_revision":3,"version":4,"value":"Yg=="}"#
        let answer = #"{"header":{"cluster_id":1,"member_id":2,"revision":7},"kvs":[\#(kv)],"count":1,"more":true}"#
        let response = try await client(answering: answer).range(RangeRequest(.key("a")))
        #expect(response.revision == 7 && response.kvs[0].modRevision == 3 && response.more)
    }

    @Test func aFailedTransactionHasNoSucceeded() async throws {
        let range = #"{"response_range":{"header":{"revision":"6"}}}"#
        let response = try await client(answering: #"{\#(Self.header),"responses":[\#(range)]}"#)
            .transaction(Transaction(when: [.keyAbsent("a")], then: [.put("a", "")], otherwise: [.get("a")]))
        #expect(!response.succeeded)
        #expect(response.responses == [.range(RangeResponse(revision: 6, kvs: [], more: false, count: 0))])
    }

    @Test func alarmsAreNamed() async throws {
        let alarms =
            #""alarms":[{"memberID":"9","alarm":"NOSPACE"},{"memberID":"9","alarm":"CORRUPT"},{"alarm":"NEW"}]"#
        let listed = try await client(answering: "{\(Self.header),\(alarms)}").alarms()
        #expect(listed.map(\.kind) == [.noSpace, .corrupt, .other("NEW")] && listed.map(\.memberID) == [9, 9, 0])
        #expect(try await client(answering: "{\(Self.header)}").alarms() == [])
    }

    @Test func aMetricIsFoundByItsWholeName() {
        let text = Array("# TYPE quota gauge\nquota_bytes 5\nquota 7\nquota{a=\"b\"} 8\n".utf8)
        #expect(MetricLine.value(of: "quota", in: text) == 7)
        #expect(MetricLine.value(of: "quot", in: text) == nil)
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Sat, 28 Nov 2026 03:41:15 GMT", 1_795_837_275),
            ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("", nil),
            ("Sun, 06 Nov 1994 08:61:37 GMT", nil), ("Sun, 06 Foo 1994 08:49:37 GMT", nil),
        ] as [(String, Int64?)])
    func timesOfServers(text: String, seconds: Int64?) {
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test func aKeepAliveWithoutTTLMeansADeadLease() async throws {
        let dead = try client(answering: #"{"result":{\#(Self.header),"ID":"5"}}"#)
        #expect(try await dead.keepAlive(LeaseID(5)) == nil)
        let live = try client(answering: #"{"result":{\#(Self.header),"ID":"5","TTL":"9"}}"#)
        #expect(try await live.keepAlive(LeaseID(5)) == .seconds(9))
    }

    @Test func unknownFieldsOfANewerServerAreIgnored() async throws {
        let answer = #"{\#(Self.header),"deleted":"2","future":{"a":[1]}}"#
        #expect(try await client(answering: answer).delete("a").deleted == 2)
    }

    // MARK: What no server may leave out

    @Test(arguments: [
        "{}", "", "null", "[]", "not JSON", #"{"header":null}"#, #"{"header":{}}"#, #"{"header":{"revision":"0"}}"#,
        #"{"header":{"revision":"x"}}"#, #"{"header":{"revision":true}}"#, #"{"header":{"revision":"7"#,
    ])
    func anAnswerWithoutARevisionIsNone(_ body: String) async throws {
        let error = try await failure { _ = try await client(answering: body).get("a") }
        #expect(error.code == .protocolViolation)
        #expect(error.outcome == .failed)
    }

    @Test(arguments: [
        #"{"create_revision":"2","mod_revision":"3","version":"4"}"#,
        #"{"key":"YQ==","mod_revision":"3","version":"4"}"#,
        #"{"key":"YQ==","create_revision":"2","version":"4"}"#,
        #"{"key":"YQ==","create_revision":"2","mod_revision":"3"}"#,
        #"{"key":"*","create_revision":"2","mod_revision":"3","version":"4"}"#,
        #"{"key":"YQ==","create_revision":"2","mod_revision":"3","version":"4","value":7}"#,
    ])
    func aKeyWithoutItsHistoryIsNone(_ kv: String) async throws {
        let answer = #"{\#(Self.header),"kvs":[\#(kv)],"count":"1"}"#
        let error = try await failure { _ = try await client(answering: answer).get("a") }
        #expect(error.code == .protocolViolation)
    }

    @Test func fewerKeysCountedThanSentIsAViolation() async throws {
        let kv = #"{"key":"YQ==","create_revision":"2","mod_revision":"3","version":"4"}"#
        let error = try await failure {
            _ = try await client(answering: #"{\#(Self.header),"kvs":[\#(kv)]}"#).get("a")
        }
        #expect(error.code == .protocolViolation)
    }

    @Test(arguments: [
        #"{\#(header),"succeeded":true}"#,
        #"{\#(header),"succeeded":true,"responses":[]}"#,
        #"{\#(header),"succeeded":true,"responses":[{"response_range":{"header":{"revision":"7"}}}]}"#,
        #"{\#(header),"succeeded":true,"responses":[{}]}"#,
        #"{"succeeded":true,"responses":[{"response_put":{"header":{"revision":"7"}}}]}"#,
    ])
    func aTransactionsAnswerHasToFitTheTransaction(_ body: String) async throws {
        let error = try await failure {
            let transaction = Transaction(when: [.keyAbsent("a")], then: [.put("a", "")], otherwise: [])
            _ = try await client(answering: body).transaction(transaction)
        }
        #expect(error.code == .protocolViolation)
        #expect(error.outcome == .unknown, "something answered the write with success")
    }

    @Test(arguments: [#"{\#(header),"ID":"5"}"#, #"{\#(header),"TTL":"5"}"#])
    func aGrantWithoutItsLeaseIsNone(_ body: String) async throws {
        let error = try await failure { _ = try await client(answering: body).grantLease(ttl: .seconds(5)) }
        #expect(error.code == .protocolViolation && error.outcome == .unknown)
    }

    @Test(arguments: [
        #"{\#(header),"ID":"5","TTL":"9"}"#, #"{"result":{"ID":"5","TTL":"9"}}"#,
        #"{"result":{\#(header),"TTL":"9"}}"#, #"{"result":{\#(header),"ID":"6","TTL":"9"}}"#,
    ])
    func aKeepAliveOfNoLeaseOrAnotherIsNone(_ body: String) async throws {
        let error = try await failure { _ = try await client(answering: body).keepAlive(LeaseID(5)) }
        #expect(error.code == .protocolViolation)
    }

    @Test func anEmptyTokenIsNone() async throws {
        let transport = RecordingTransport(answering: #"{\#(Self.header),"token":""}"#)
        let client = try EtcdClient(
            over: transport, credentials: EtcdCredentials(username: "u", password: "secret-word"))
        let error = try await failure { try await client.put("a", "b") }
        #expect(error.code == .protocolViolation)
        #expect(error.outcome == .failed, "the write itself was never sent")
        #expect(!"\(error)".contains("secret-word"))
    }
}

import Testing
import UntrustedJSON

@testable import EtcdClient

/// Endpoints that send without end: what is kept of it is bounded, and the error says where and how much.
@Suite(.serialized, .timeLimit(.minutes(3))) struct AnswerLimitTests {
    private static let head = "HTTP/1.1 200 OK\r\n"
    private static let body = "\(head)Content-Type: application/json\r\n\r\n"
    private static let refusal = "HTTP/1.1 503 Service Unavailable\r\n\r\n"
    private static let filling = String(repeating: "x", count: 4096)

    /// What a server sends after the request, and what its error says.
    struct Flood: Sendable, CustomTestStringConvertible {
        var name: String
        var head: String
        var piece: String
        var limit: String
        var answerBytes = AnswerLimits().answerBytes

        var testDescription: String { name }
    }

    private static let floods = [
        Flood(name: "headers", head: head, piece: "X-Filling: \(filling)\r\n", limit: "64 KiB"),
        Flood(name: "one header", head: "\(head)X-Filling: ", piece: filling, limit: "100 KiB"),
        Flood(name: "a status line", head: "HTTP/1.1 200 ", piece: filling, limit: "100 KiB"),
        Flood(name: "answers to come", head: "", piece: "HTTP/1.1 100 Continue\r\n\r\n", limit: "64 KiB"),
        Flood(name: "a body", head: body, piece: filling, limit: "8 MiB"),
        Flood(name: "a refusal", head: refusal, piece: filling, limit: "8 MiB"),
        Flood(
            name: "a body in very small chunks", head: "\(head)Transfer-Encoding: chunked\r\n\r\n",
            piece: "1\r\n[\r\n", limit: "256 KiB", answerBytes: 256 << 10),
    ]

    private func quick(_ configuration: inout EtcdConfiguration) {
        configuration.watch.shortestBackoff = .milliseconds(1)
        configuration.watch.longestBackoff = .milliseconds(5)
        // Only a client without bounds of its own needs that long.
        configuration.requestTimeout = .seconds(60)
    }

    @Test(
        "E6: an answer without end is read as far as its limit, and the error names the endpoint and the limit",
        arguments: floods)
    func e6EndlessAnswersAreBounded(flood: Flood) async throws {
        let server = try ScriptedServer { _, _ in .endless(flood.head, flood.piece) }
        defer { server.stop() }
        let client = try makeClient(server.address) { configuration in
            quick(&configuration)
            configuration.limits.answerBytes = flood.answerBytes
        }
        let read = try await failure { _ = try await client.get("a") }
        #expect(read.code == .answerTooLarge && read.outcome == .failed, "\(read)")
        #expect("\(read)".contains(server.address) && "\(read)".contains(flood.limit), "\(read)")
        let write = try await failure { _ = try await client.put("a", "1") }
        #expect(write.code == .answerTooLarge && write.outcome == .unknown, "\(write)")
        #expect(server.sentBytes < ScriptedServer.most, "of one of the answers even")
        await client.shutdown()
    }

    @Test(
        "E6: a message of a watch without end is read as far as its limit, and the error names the endpoint and the limit"
    )
    func e6EndlessMessagesAreBounded() async throws {
        let limits = [(Self.body + "{\"result\":\"", "4 MiB"), (Self.refusal, "8 MiB"), (Self.head + "X: ", "100 KiB")]
        for (head, limit) in limits {
            let server = try ScriptedServer { _, number in number == 1 ? .endless(head, Self.filling) : .silence }
            defer { server.stop() }
            let client = try makeClient(server.address) { configuration in
                quick(&configuration)
                configuration.limits.messageBytes = 4 << 20
            }
            var watch = client.watch(key: "a").makeAsyncIterator()
            guard case .disconnected(let error) = try await watch.next() else {
                Issue.record("the watch has told something else than a loss")
                continue
            }
            #expect(error.code == .answerTooLarge, "\(error)")
            #expect("\(error)".contains(server.address) && "\(error)".contains(limit), "\(error)")
            #expect(server.sentBytes < ScriptedServer.most)
            await client.shutdown()
        }
    }

    @Test("E6: calls go on at another endpoint when one sends without end")
    func e6AnotherEndpointIsAsked() async throws {
        let bad = try ScriptedServer { _, _ in .endless(Self.body, Self.filling) }
        let good = try ScriptedServer { _, _ in
            .answer(status: 200, body: #"{"header":{"cluster_id":"1","member_id":"2","revision":"7"}}"#)
        }
        defer {
            bad.stop()
            good.stop()
        }
        let client = try makeClient(bad.address, good.address, change: quick)
        for _ in 0..<3 { #expect(try await client.get("a") == nil) }
        #expect(bad.requests.count == 1)
        await client.shutdown()
    }

    @Test("E6: an answer that is nothing but brackets is refused, and the error names the endpoint and the limit")
    func e6NestingIsBounded() async throws {
        let deep = #"{"header":"# + String(repeating: "[{\"a\":", count: 500_000)
        let server = try ScriptedServer { _, number in .answer(status: number == 3 ? 503 : 200, body: deep) }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        let error = try await failure { _ = try await client.get("a") }
        #expect("\(error)".contains(server.address) && "\(error)".contains("512 levels"), "\(error)")
        var watch = client.watch(key: "a").makeAsyncIterator()
        guard case .disconnected(let loss) = try await watch.next() else {
            Issue.record("the watch has told something else than a loss")
            return
        }
        #expect("\(loss)".contains("512 levels"), "\(loss)")
        let refusal = try await failure { _ = try await client.put("a", "1") }
        #expect("\(refusal)".contains(server.address) && "\(refusal)".utf8.count < 2000, "\(refusal)")
        await client.shutdown()
    }

    @Test("E6: a server's words are repeated in an error as far as they are worth it")
    func e6WordsAreCut() async throws {
        let server = try ScriptedServer { _, number in
            let text = String(repeating: Self.filling, count: 256)
            return number == 1
                ? .answer(status: 400, body: #"{"error":"\#(text)","message":"\#(text)","code":3}"#)
                : .answer(status: 200, body: #"{"header":{"revision":"\#(text)"}}"#)
        }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        for _ in 0..<2 {
            let error = try await failure { _ = try await client.get("a") }
            #expect("\(error)".utf8.count < 2000)
        }
        await client.shutdown()
    }

    @Test("E6: what a server sends byte by byte costs no more than in one piece")
    func e6SmallPartsAreKeptTogether() async throws {
        let buffer = StreamBuffer {}
        #expect(buffer.offer(.status(200)))
        for byte in 0..<100 { #expect(buffer.offer(.bytes([UInt8(byte)]))) }
        #expect(try await buffer.next().get() == .status(200))
        #expect(try await buffer.next().get() == .bytes(Array(0..<100)))
    }

    @Test("E6: a page that is larger than its limit is asked for again with fewer keys, and no key is missed")
    func e6LargePagesAreHalved() async throws {
        let keys = (100..<160).map { "k\($0)" }
        let server = try ScriptedServer { received, _ in .answer(status: 200, body: Self.page(of: keys, received.body))
        }
        defer { server.stop() }
        let client = try makeClient(server.address) { configuration in
            // Each key takes some 220 bytes here: 4 of them fit.
            configuration.limits.pageBytes = 1000
        }
        let list = try await client.list(prefix: "k", pageSize: 16)
        #expect(list.kvs.map { $0.key } == keys)
        await client.shutdown()
    }

    /// etcd's answer to a range request with a limit.
    private static func page(of keys: [String], _ request: String) -> String {
        let start = text(request, "\"key\":\"")
        let limit = Int(text(request, "\"limit\":\"")) ?? 0
        let first = decoded(start)
        let left = keys.filter { $0 >= first }
        let kvs = left.prefix(limit).map { key in
            let value = String(repeating: "eHh4", count: 30)
            return
                #"{"key":"\#(encoded(key))","create_revision":"1","mod_revision":"1","version":"1","value":"\#(value)"}"#
        }
        let more = left.count > limit ? #","more":true"# : ""
        return #"{"header":{"cluster_id":"1","member_id":"2","revision":"7"},"kvs":["#
            + kvs.joined(separator: ",") + #"],"count":"\#(left.count)"\#(more)}"#
    }

    private static func text(_ request: String, _ name: String) -> String {
        guard let range = request.firstRange(of: name) else { return "" }
        return String(request[range.upperBound...].prefix { $0 != "\"" })
    }

    private static func decoded(_ text: String) -> String {
        let bytes = (try? WireJSON.decode(WireBytes.self, from: Array("\"\(text)\"".utf8)))?.bytes ?? []
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func encoded(_ text: String) -> String {
        let json = (try? WireJSON.encode(WireBytes(Array(text.utf8)))) ?? []
        return String(String(decoding: json, as: UTF8.self).dropFirst().dropLast())
    }
}

@Suite struct JSONNestingTests {
    @Test(
        "E6: the depth is counted in brackets outside of texts",
        arguments: [
            ("[[]]", 2), ("[{\"a\":[1,2]},[[]]]", 3), (#"["[[[[\"[[[["]"#, 1), (#"{"\\":[]}"#, 2), ("1", 0),
            ("[][][]", 1),
        ])
    func e6Depth(text: String, depth: Int) {
        let bytes = Array(text.utf8)
        #expect(!JSONNesting.exceeds(depth, in: bytes))
        if depth > 0 { #expect(JSONNesting.exceeds(depth - 1, in: bytes)) }
    }
}

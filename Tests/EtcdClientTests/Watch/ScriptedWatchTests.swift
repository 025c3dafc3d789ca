import Testing

@testable import EtcdClient

/// Watches against servers that misbehave in ways that a real etcd shows only now and then.
@Suite(.timeLimit(.minutes(2))) struct ScriptedWatchTests {
    private static func line(_ json: String) -> String { String(json.utf8.count + 1, radix: 16) + "\r\n\(json)\n\r\n" }

    private static func header(_ revision: Int) -> String {
        #""header":{"cluster_id":"1","member_id":"2","revision":"\#(revision)","raft_term":"3"}"#
    }

    private static func created(_ revision: Int) -> String {
        line("{\"result\":{\(header(revision)),\"created\":true}}")
    }

    private static func put(_ revision: Int) -> String {
        let kv = #"{"key":"YQ==","create_revision":"1","mod_revision":"\#(revision)","version":"2"}"#
        return line(#"{"result":{\#(header(revision)),"events":[{"kv":\#(kv)}]}}"#)
    }

    private static let streamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    /// Reads elements until `count` of them are not about the connection.
    private func revisions(_ count: Int, of watch: EtcdWatch) async throws -> [Int64] {
        var revisions: [Int64] = []
        for try await element in watch {
            if case .events(let events, _) = element { revisions += events.map(\.revision) }
            if revisions.count >= count { break }
        }
        return revisions
    }

    private func quick(_ configuration: inout EtcdConfiguration) {
        configuration.watch.shortestBackoff = .milliseconds(1)
        configuration.watch.longestBackoff = .milliseconds(5)
    }

    @Test func itGoesOnAfterTheLastEventOfEachBrokenStream() async throws {
        let server = try ScriptedServer { _, number in
            .raw([Self.streamHead, Self.created(number), Self.put(number)])
        }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        #expect(try await revisions(3, of: client.watch(key: "a", from: 1)) == [1, 2, 3])
        let starts = server.requests.prefix(3).map(\.body)
        #expect(
            starts
                == (1...3).map {
                    #"{"create_request":{"key":"YQ==","progress_notify":true,"start_revision":"\#($0)"}}"#
                })
        await client.shutdown()
    }

    @Test func aLossIsToldOnceUntilItIsConnectedAgain() async throws {
        let server = try ScriptedServer { _, number in
            (2...4).contains(number) ? .hangUp : .raw([Self.streamHead, Self.created(1)])
        }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        var told: [String] = []
        for try await element in client.watch(key: "a", from: 2) {
            switch element {
            case .connected: told.append("connected")
            case .disconnected: told.append("disconnected")
            default: told.append("else")
            }
            if told.count == 4 { break }
        }
        #expect(told == ["connected", "disconnected", "connected", "disconnected"])
        await client.shutdown()
    }

    @Test func aStreamThatIsNeverConfirmedIsGivenUp() async throws {
        let server = try ScriptedServer { _, number in
            number == 1 ? .silence : .raw([Self.streamHead, Self.created(1), Self.put(2)])
        }
        defer { server.stop() }
        let client = try makeClient(server.address) { configuration in
            quick(&configuration)
            configuration.requestTimeout = .milliseconds(200)
        }
        #expect(try await revisions(1, of: client.watch(key: "a", from: 2)) == [2])
        await client.shutdown()
    }

    @Test func nonsenseInTheStreamIsALossAndNotTheEnd() async throws {
        let server = try ScriptedServer { _, number in
            number == 1
                ? .raw([Self.streamHead, Self.created(1), Self.line("{\"result\":{}}")])
                : .raw([Self.streamHead, Self.created(1), Self.put(2)])
        }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        var iterator = client.watch(key: "a", from: 2).makeAsyncIterator()
        #expect(try await iterator.next() == .connected(revision: 1))
        guard case .disconnected(let error) = try await iterator.next() else {
            Issue.record("the loss was not told")
            return
        }
        #expect(error.code == .protocolViolation)
        #expect(try await iterator.next() == .connected(revision: 1))
        await client.shutdown()
    }

    @Test func anErrorWithinTheStreamIsALoss() async throws {
        let error = #"{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"x"}}"#
        // As the gateway sends it: the last message, without a line end.
        let chunk = String(error.utf8.count, radix: 16) + "\r\n\(error)\r\n0\r\n\r\n"
        let server = try ScriptedServer { _, _ in .raw([Self.streamHead, Self.created(1), chunk]) }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        var iterator = client.watch(key: "a", from: 2).makeAsyncIterator()
        #expect(try await iterator.next() == .connected(revision: 1))
        guard case .disconnected(let error) = try await iterator.next() else {
            Issue.record("the loss was not told")
            return
        }
        #expect(error.code == .unavailable && error.reason.contains("no leader"))
        await client.shutdown()
    }

    @Test func aServerThatIsNoGatewayEndsIt() async throws {
        let server = try ScriptedServer { _, _ in .answer(status: 404, body: "Not Found\n") }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        var iterator = client.watch(key: "a").makeAsyncIterator()
        let error = try await failure { _ = try await iterator.next() }
        #expect(error.code == .protocolViolation)
        #expect(try await iterator.next() == nil)
        await client.shutdown()
    }

    @Test func aStoreThatWasPutBackFromABackupEndsIt() async throws {
        let server = try ScriptedServer { received, number in
            if received.head.contains("/v3/kv/range") {
                return .answer(status: 200, body: "{\(Self.header(5))}")
            }
            return .raw([Self.streamHead, number == 1 ? Self.created(20) + Self.put(21) : Self.created(5)])
        }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        var last: WatchElement?
        for try await element in client.watch(key: "a", from: 21) { last = element }
        #expect(last == .replaced(revision: 5))
        await client.shutdown()
    }

    @Test func aMemberThatLagsBehindIsWaitedFor() async throws {
        let server = try ScriptedServer { received, _ in
            received.head.contains("/v3/kv/range")
                ? .answer(status: 200, body: "{\(Self.header(30))}")
                : .raw([Self.streamHead, Self.created(5), Self.put(21)])
        }
        defer { server.stop() }
        let client = try makeClient(server.address, change: quick)
        #expect(try await revisions(1, of: client.watch(key: "a", from: 21)) == [21])
        await client.shutdown()
    }
}

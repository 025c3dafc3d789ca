import Rig
import Testing

@testable import EtcdClient

/// The transport against servers that behave and servers that do not.
@Suite(.timeLimit(.minutes(2))) struct CurlTransportTests {
    private func withTransport<Result>(
        connections: Int = 4, _ body: (CurlTransport) async throws -> Result
    ) async throws -> Result {
        let transport = try CurlTransport(tls: nil, connectionsPerEndpoint: connections, logger: quietLogger)
        do {
            let result = try await body(transport)
            await transport.shutdown()
            #expect(transport.statistics.activeTransfers == 0)
            return result
        } catch {
            await transport.shutdown()
            throw error
        }
    }

    private func post(
        _ port: UInt16, _ body: String = "{}", within timeout: Duration? = .seconds(30),
        connectTimeout: Duration = .seconds(10)
    ) -> HTTPRequest {
        HTTPRequest(
            endpoint: Endpoint(host: "127.0.0.1", port: port), method: .post(Array(body.utf8)), path: "/v3/x",
            headers: [HTTPHeader(name: "Authorization", value: "token")],
            deadline: timeout.map { ContinuousClock.now.advanced(by: $0) }, connectTimeout: connectTimeout)
    }

    private func failure(of request: HTTPRequest, over transport: CurlTransport) async throws -> TransportFailure {
        try await #require(throws: TransportFailure.self) { _ = try await transport.send(request) }
    }

    @Test func aRequestAndItsAnswerArriveWhole() async throws {
        let large = String(repeating: "x", count: 3_000_000)
        let server = try ScriptedServer { received, _ in
            .answer(status: 418, body: received.body + "!")
        }
        defer { server.stop() }
        try await withTransport { transport in
            let response = try await transport.send(post(server.port, large))
            #expect(response.status == 418)
            #expect(response.body.count == large.utf8.count + 1)
        }
        let head = try #require(server.requests.first).head
        #expect(head.hasPrefix("POST /v3/x HTTP/1.1"))
        #expect(head.contains("Authorization: token"))
        #expect(!head.contains("Expect:"))
    }

    @Test func connectionsAreUsedAgain() async throws {
        let server = try ScriptedServer { _, _ in .answer(status: 200, body: "{}") }
        defer { server.stop() }
        try await withTransport { transport in
            for _ in 0..<50 { _ = try await transport.send(post(server.port)) }
            #expect(transport.statistics.openedConnections == 1)
            #expect(transport.statistics.finishedTransfers == 50)
        }
        #expect(server.acceptedConnections == 1)
    }

    @Test func manyRequestsAtOnceShareFewConnections() async throws {
        let server = try ScriptedServer { _, _ in .answer(status: 200, body: "{}") }
        defer { server.stop() }
        try await withTransport(connections: 4) { transport in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 { group.addTask { _ = try await transport.send(post(server.port)) } }
                try await group.waitForAll()
            }
        }
        #expect(server.requests.count == 200)
        #expect(server.acceptedConnections <= 4)
    }

    /// libcurl by itself repeats a request whose kept-alive connection turns out dead, a POST too. The server may have
    /// acted on the first.
    @Test func aRequestWhoseConnectionDiesUnansweredIsNotSentAgain() async throws {
        let server = try ScriptedServer { _, number in
            number == 1 ? .answer(status: 200, body: "{}") : .hangUp
        }
        defer { server.stop() }
        try await withTransport { transport in
            _ = try await transport.send(post(server.port))
            let failure = try await failure(of: post(server.port), over: transport)
            #expect(failure.mayHaveBeenSent)
            #expect(failure.reason == .broken)
            #expect(failure.detail.contains("closed the connection"))
        }
        #expect(server.requests.count == 2)
    }

    @Test func aConnectionThatTheServerHasClosedIsNotUsedAgain() async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        let server = try ScriptedServer { _, number in number == 1 ? .raw([answer]) : .answer(status: 200, body: "{}") }
        defer { server.stop() }
        try await withTransport { transport in
            _ = try await transport.send(post(server.port))
            try await eventually("the server has closed the connection") { server.closedConnections == 1 }
            #expect(try await transport.send(post(server.port)).status == 200)
        }
        #expect(server.requests.map(\.connection) == [1, 2])
    }

    @Test func aRefusedConnectionHasCertainlySentNothing() async throws {
        let server = try ScriptedServer { _, _ in .hangUp }
        server.stop()
        try await withTransport { transport in
            try await eventually("the port is closed") {
                let failure = try await failure(of: post(server.port), over: transport)
                return failure.reason == .connecting && !failure.mayHaveBeenSent
            }
        }
    }

    @Test func aConnectionThatIsNeverAcceptedHasCertainlySentNothing() async throws {
        let port = try HangingPort()
        try await withTransport { transport in
            let request = post(port.port, connectTimeout: .milliseconds(200))
            let failure = try await failure(of: request, over: transport)
            #expect(failure.reason == .timedOut)
            #expect(!failure.mayHaveBeenSent)
        }
    }

    @Test func aSilentServerRunsIntoTheDeadline() async throws {
        let server = try ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        try await withTransport { transport in
            let failure = try await failure(
                of: post(server.port, within: .milliseconds(200)), over: transport)
            #expect(failure.reason == .timedOut)
            #expect(failure.mayHaveBeenSent)
        }
    }

    @Test func aRequestThatWaitsInLineKeepsItsDeadline() async throws {
        let server = try ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        try await withTransport(connections: 1) { transport in
            let first = Task { try await transport.send(post(server.port, "first")) }
            try await eventually("the first request has the only connection") { server.requests.count == 1 }
            let failure = try await failure(
                of: post(server.port, "second", within: .milliseconds(100)), over: transport)
            #expect(failure.reason == .timedOut)
            #expect(!failure.mayHaveBeenSent)
            first.cancel()
            _ = await first.result
        }
        #expect(server.requests.map(\.body) == ["first"])
    }

    @Test func aBusyEndpointDoesNotDelayAnotherOne() async throws {
        let silent = try ScriptedServer { _, _ in .silence }
        let lively = try ScriptedServer { _, _ in .answer(status: 200, body: "{}") }
        defer {
            silent.stop()
            lively.stop()
        }
        try await withTransport(connections: 1) { transport in
            let stuck = Task { try await transport.send(post(silent.port)) }
            try await eventually("the silent server has its request") { silent.requests.count == 1 }
            let response = try await transport.send(post(lively.port))
            #expect(response.status == 200)
            stuck.cancel()
            _ = await stuck.result
        }
    }

    @Test func cancellingTheTaskEndsTheTransfer() async throws {
        let server = try ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        try await withTransport { transport in
            let task = Task { try await transport.send(post(server.port)) }
            try await eventually("the request has arrived") { server.requests.count == 1 }
            task.cancel()
            let failure = try await #require(throws: TransportFailure.self) { try await task.value }
            #expect(failure.reason == .cancelled && failure.mayHaveBeenSent)
            #expect(transport.statistics.activeTransfers == 0, "freed before the caller goes on")
        }
    }

    @Test func aTaskThatIsCancelledBeforeItSendsSendsNothing() async throws {
        let server = try ScriptedServer { _, _ in .answer(status: 200, body: "{}") }
        defer { server.stop() }
        try await withTransport { transport in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await transport.send(post(server.port))
            }
            let failure = try await #require(throws: TransportFailure.self) { try await task.value }
            #expect(failure.reason == .cancelled)
            #expect(!failure.mayHaveBeenSent)
        }
        #expect(server.requests.isEmpty)
    }

    @Test func shutdownEndsWhatIsUnderWayAndRefusesWhatComesAfter() async throws {
        let server = try ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        try await withTransport { transport in
            let task = Task { try await transport.send(post(server.port)) }
            try await eventually("the request has arrived") { server.requests.count == 1 }
            await transport.shutdown()
            let ended = try await #require(throws: TransportFailure.self) { try await task.value }
            #expect(ended.reason == .closed && ended.mayHaveBeenSent)
            let late = try await failure(of: post(server.port), over: transport)
            #expect(late.reason == .closed && !late.mayHaveBeenSent)
        }
    }

    @Test func aRedirectIsNotFollowed() async throws {
        let target = try ScriptedServer { _, _ in .answer(status: 200, body: "{}") }
        let server = try ScriptedServer { _, _ in
            .answer(status: 307, body: "", headers: ["Location: http://\(target.address)/"])
        }
        defer {
            target.stop()
            server.stop()
        }
        try await withTransport { transport in
            let response = try await transport.send(post(server.port))
            #expect(response.status == 307)
        }
        #expect(target.requests.isEmpty)
    }

    @Test(arguments: [["nonsense"], [""], ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"]])
    func anAnswerThatIsNoHTTPOrCutShortIsAFailure(_ pieces: [String]) async throws {
        let server = try ScriptedServer { _, _ in .raw(pieces) }
        defer { server.stop() }
        try await withTransport { transport in
            let failure = try await failure(of: post(server.port), over: transport)
            #expect(failure.mayHaveBeenSent)
            #expect(failure.reason != .cancelled && failure.reason != .timedOut)
        }
    }

    // MARK: Streams

    private func streamed(_ chunks: [String]) -> [String] {
        let framed = chunks.map { String($0.utf8.count, radix: 16) + "\r\n" + $0 + "\r\n" }
        return ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] + framed
    }

    private func read(_ stream: any HTTPStream) async throws -> (status: Int?, bytes: [UInt8]) {
        var status: Int?
        var bytes: [UInt8] = []
        while let part = try await stream.next() {
            switch part {
            case .status(let code): status = code
            case .bytes(let more): bytes += more
            }
        }
        return (status, bytes)
    }

    @Test func aStreamArrivesInOrderAndEnds() async throws {
        let script = streamed(["one\n", "two\n"]) + ["0\r\n\r\n"]
        let server = try ScriptedServer { _, _ in .raw(script) }
        defer { server.stop() }
        try await withTransport { transport in
            let (status, bytes) = try await read(transport.open(post(server.port, within: nil)))
            #expect(status == 200)
            #expect(String(decoding: bytes, as: UTF8.self) == "one\ntwo\n")
        }
    }

    @Test func aStreamThatBreaksSaysSoAfterWhatHasArrived() async throws {
        let script = streamed(["one\n"])
        let server = try ScriptedServer { _, _ in .raw(script) }
        defer { server.stop() }
        try await withTransport { transport in
            let stream = transport.open(post(server.port, within: nil))
            #expect(try await stream.next() == .status(200))
            #expect(try await stream.next() == .bytes(Array("one\n".utf8)))
            let failure = try await #require(throws: TransportFailure.self) { try await stream.next() }
            #expect(failure.reason == .broken)
        }
    }

    @Test func aSlowReaderHoldsTheServerUpAndLosesNothing() async throws {
        let chunk = String(repeating: "0123456789abcdef", count: 4096)
        let script = streamed(Array(repeating: chunk, count: 400)) + ["0\r\n\r\n"]
        let server = try ScriptedServer { _, _ in .raw(script) }
        defer { server.stop() }
        try await withTransport { transport in
            let stream = transport.open(post(server.port, within: nil))
            #expect(try await stream.next() == .status(200))
            // The reader pauses while 26 MB wait to be read: more than the buffer holds.
            try await Task.sleep(for: .milliseconds(300))
            let (_, bytes) = try await read(stream)
            #expect(bytes.count == 400 * chunk.utf8.count)
        }
    }

    @Test func lettingGoOfAStreamEndsTheTransfer() async throws {
        let server = try ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        try await withTransport { transport in
            do {
                let stream = transport.open(post(server.port, within: nil))
                try await eventually("the request has arrived") { server.requests.count == 1 }
                #expect(transport.statistics.activeTransfers == 1)
                withExtendedLifetime(stream) {}
            }
            try await eventually("the transfer is gone") { transport.statistics.activeTransfers == 0 }
        }
    }

    @Test func aCancelledReaderIsLetGoAndTheStreamGoesOn() async throws {
        let server = try ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        try await withTransport { transport in
            let stream = transport.open(post(server.port, within: nil))
            let reader = Task { try await stream.next() }
            try await eventually("the request has arrived") { server.requests.count == 1 }
            reader.cancel()
            let failure = try await #require(throws: TransportFailure.self) { try await reader.value }
            #expect(failure.reason == .cancelled)
            #expect(transport.statistics.activeTransfers == 1)
            stream.cancel()
            try await eventually("the transfer is gone") { transport.statistics.activeTransfers == 0 }
        }
    }

    @Test func streamsDoNotUseUpTheRequestsConnections() async throws {
        let server = try ScriptedServer { received, _ in
            received.body == "stream" ? .silence : .answer(status: 200, body: "{}")
        }
        defer { server.stop() }
        try await withTransport(connections: 1) { transport in
            let streams = (0..<5).map { _ in transport.open(post(server.port, "stream", within: nil)) }
            let response = try await transport.send(post(server.port))
            #expect(response.status == 200)
            for stream in streams { stream.cancel() }
        }
    }
}

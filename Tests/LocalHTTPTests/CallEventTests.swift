import LocalHTTP
import RawHTTPClient
import Testing

@Suite("What becomes of a call", .timeLimit(.minutes(1)))
struct CallEventTests {
    /// A script whose work waits for the gate, on one path.
    private static func script(_ gate: Gate, on held: String) -> ScriptedService.Script {
        var script = ScriptedService.Script()
        script.work = { path in if path == held { await gate.wait() } }
        return script
    }

    @Test("A call in time is answered, and noted in order")
    func inTime() async throws {
        try await TestServer.run { test in
            let reply = try await test.call("/work", "x")
            #expect(reply?.body == "/work x")
            #expect(test.service.events == [.began("/work"), .ended("/work"), .answered("/work")])
        }
    }

    @Test("What is answered at once is no call")
    func atOnce() async throws {
        try await TestServer.run { test in
            let reply = try await test.call("/at-once")
            #expect(reply?.body == "at once")
            #expect(test.service.events.isEmpty)
        }
    }

    @Test("A call beyond its budget gets the service's answer, goes on, and is undone")
    func beyondBudget() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate, on: "/claim"), budget: .milliseconds(50)) { test in
            let reply = try await test.call("/claim")
            #expect(reply?.statusLine == "HTTP/1.1 503 Service Unavailable")
            #expect(reply?.body == "still running")
            await gate.open()
            try await test.service.until(.undone("/claim", .budgetRanOut))
            #expect(
                test.service.events == [
                    .began("/claim"), .ranOut("/claim"), .ended("/claim"), .unheard("/claim"),
                    .undone("/claim", .budgetRanOut),
                ])
        }
    }

    @Test("A call whose client has left goes on, and is undone only where the service asks for that")
    func clientLeft() async throws {
        for path in ["/claim", "/work"] {
            let gate = Gate()
            try await TestServer.run(Self.script(gate, on: path)) { test in
                let client = try await test.connect()
                try await client.post(path)
                try await test.service.until(.began(path))
                try await client.close()
                try await test.service.until(.clientLeft(path))
                await gate.open()
                #expect(await test.server.drain(timeout: .seconds(30)) == DrainReport(stillRunning: 0))
                let undone: [ScriptedService.Event] = path == "/claim" ? [.undone(path, .clientLeft)] : []
                #expect(
                    test.service.events == [.began(path), .clientLeft(path), .ended(path), .unheard(path)] + undone)
            }
        }
    }

    @Test("A call whose answer the client never read is undone")
    func replyNotRead() async throws {
        try await TestServer.run { test in
            let client = try await test.connect(reads: false)
            try await client.post("/claim")
            try await test.service.until(.answered("/claim"))
            // The reply is written in the same turn of the server's event loop as it is noted, or the next.
            try await test.expectServing()
            try await client.close()
            try await test.service.until(.undone("/claim", .replyLost))
        }
    }

    @Test("What is no HTTP is the service's to refuse")
    func notHTTP() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("rubbish\r\n\r\n")
            #expect(try await client.reply()?.statusLine == "HTTP/1.1 400 Bad Request")
            #expect(try await client.reply() == nil)
            #expect(test.service.events == [.refused])
        }
    }
}

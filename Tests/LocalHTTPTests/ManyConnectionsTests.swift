import LocalHTTP
import RawHTTPClient
import Testing

@Suite("Many connections", .timeLimit(.minutes(1)))
struct ManyConnectionsTests {
    @Test("200 idle and half-sent connections hinder nobody, and are served when they go on")
    func idleAndHalfSent() async throws {
        try await TestServer.run { test in
            var idle: [RawClient] = []
            for index in 0..<200 {
                let client = try await test.connect()
                switch index % 4 {
                case 0: break
                case 1: try await client.send("POST /path HT")
                case 2: try await client.send("POST /path HTTP/1.1\r\nContent-Length: 12\r\n\r\n{\"Na")
                default:
                    try await client.send(
                        "POST /path HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"")
                }
                idle.append(client)
            }
            for _ in 0..<20 { try await test.expectServing() }
            for (index, client) in idle.enumerated() {
                switch index % 4 {
                case 0: try await client.post("/path", #"{"Name":"v"}"#)
                case 1: try await client.send("TP/1.1\r\nContent-Length: 12\r\n\r\n{\"Name\":\"v\"}")
                case 2: try await client.send("me\":\"v\"}")
                default: try await client.send("\r\na\r\nName\":\"v\"}\r\n0\r\n\r\n")
                }
                #expect(try await client.reply()?.body == #"/path {"Name":"v"}"#)
            }
        }
    }

    @Test("64 connections at once, each with several calls, each get their own answers")
    func concurrent() async throws {
        try await TestServer.run { test in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        let client = try await test.connect()
                        for round in 0..<10 {
                            try await client.post("/call", "\(number)-\(round)")
                            let reply = try await client.reply()
                            #expect(reply?.body == "/call \(number)-\(round)")
                        }
                        try await client.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(test.service.events.count == 640 * 3)
        }
    }

    @Test("64 calls that wait at the same time hinder neither each other nor others")
    func manyWaiting() async throws {
        let gate = Gate()
        var script = ScriptedService.Script()
        script.work = { path in if path != "/other" { await gate.wait() } }
        try await TestServer.run(script) { test in
            var waiting: [RawClient] = []
            for number in 0..<64 {
                let client = try await test.connect()
                try await client.post("/\(number)")
                waiting.append(client)
            }
            for number in 0..<64 { try await test.service.until(.began("/\(number)")) }
            try await test.expectServing()
            await gate.open()
            for (number, client) in waiting.enumerated() {
                #expect(try await client.reply()?.body == "/\(number) {}")
            }
        }
    }

    @Test("Connections that open and close without a byte, as the daemon's readiness check does, do no harm")
    func zeroBytes() async throws {
        try await TestServer.run { test in
            for _ in 0..<50 {
                let client = try await test.connect()
                try await client.close()
            }
            try await test.expectServing()
        }
    }
}

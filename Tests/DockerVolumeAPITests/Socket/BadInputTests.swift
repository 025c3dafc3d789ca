import DockerVolumeAPI
import RawHTTPClient
import Testing

@Suite("Bad input", .timeLimit(.minutes(1)))
struct BadInputTests {
    static let callsWithBody = ["Create", "Remove", "Mount", "Path", "Unmount"]

    @Test("An empty body, as a retry sends it, is an error that says so", arguments: callsWithBody)
    func emptyBody(call: String) async throws {
        try await TestServer.run { test in
            let reply = try await test.call("/VolumeDriver.\(call)", "")
            #expect(reply?.status == 400)
            #expect(reply?.body == #"{"Err":"\#(call): the request body is empty; it must be a JSON object"}"#)
            #expect(test.plugin.calls.isEmpty)
        }
    }

    @Test("List and the static calls need no body", arguments: ["VolumeDriver.List", "VolumeDriver.Capabilities"])
    func noBodyNeeded(call: String) async throws {
        try await TestServer.run { test in
            try await test.expect(200, "/\(call)", "")
        }
    }

    @Test(
        "A malformed Get is not answered at all",
        arguments: ["", "{", "[]", "{}", #"{"Name":7}"#, #"{"Name":null}"#, "\u{0}"])
    func malformedGet(body: String) async throws {
        try await TestServer.run { test in
            #expect(try await test.call("/VolumeDriver.Get", body) == nil)
            #expect(test.plugin.calls.isEmpty)
            try await test.expectServing()
        }
    }

    @Test(
        "Malformed bodies are errors, and the connection can go on", arguments: ["{", "x", "[1]", "{}", #"{"Name":1}"#])
    func malformed(body: String) async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            for call in Self.callsWithBody {
                try await client.post("/VolumeDriver.\(call)", body)
                let reply = try #require(try await client.reply())
                #expect(reply.status == 400)
                #expect(reply.body.hasPrefix(#"{"Err":"\#(call): the "#), "\(reply.body)")
            }
            #expect(test.plugin.calls.isEmpty)
        }
    }

    @Test("A body that ends too early is an error when the client still listens", arguments: callsWithBody)
    func truncated(call: String) async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("POST /VolumeDriver.\(call) HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"Name\":\"v\"")
            try await client.endSending()
            let reply = try #require(try await client.reply())
            #expect(reply.status == 400)
            #expect(reply.body.hasPrefix(#"{"Err":"\#(call): the request is not valid HTTP: "#), "\(reply.body)")
            #expect(try await client.reply() == nil)
            #expect(test.plugin.calls.isEmpty)
        }
    }

    @Test("A truncated Get is not answered")
    func truncatedGet() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("POST /VolumeDriver.Get HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"Name\":\"v\"")
            try await client.endSending()
            #expect(try await client.reply() == nil)
        }
    }

    @Test("A body of 3 MB is refused with 413 that the client gets to read, whether its length is told or not")
    func tooLarge() async throws {
        try await TestServer.run { test in
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 3_000_000)
            let heads = [
                "Content-Length: 3000000\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\n2dc6c0\r\n",
            ]
            for head in heads {
                let client = try await test.connect()
                try await client.send("POST /VolumeDriver.Create HTTP/1.1\r\nHost: x\r\n\(head)")
                try await client.send(body)
                try? await client.endSending()
                let reply = try #require(try await client.reply())
                #expect(reply.status == 413)
                #expect(reply.body == #"{"Err":"Create: the request body is longer than 1048576 bytes"}"#)
                #expect(try await client.reply() == nil)
            }
            try await test.expectServing()
        }
    }

    @Test("A body of exactly the limit is read")
    func atTheLimit() async throws {
        try await TestServer.run(bodyLimit: 64) { test in
            func body(_ size: Int) -> String {
                let frame = #"{"Name":"v","ID":"1","Pad":""}"#
                return frame.replacingLast(with: String(repeating: "p", count: size - frame.utf8.count))
            }
            try await test.expect(200, "/VolumeDriver.Mount", body(64))
            try await test.expect(413, "/VolumeDriver.Mount", body(65))
        }
    }

    @Test("A Get that is too large is not answered")
    func tooLargeGet() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("POST /VolumeDriver.Get HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n")
            #expect(try await client.reply() == nil)
        }
    }

    @Test("A client that asks before sending too much is told no")
    func expectTooMuch() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send(
                "POST /VolumeDriver.Create HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n\r\n")
            #expect(try await client.reply()?.status == 413)
        }
    }

    @Test("A wrong method is a 405 that names the right one, an unknown path a 404")
    func routing() async throws {
        try await TestServer.run { test in
            let wrong = try await test.get("/VolumeDriver.Get")
            #expect(wrong?.status == 405)
            #expect(wrong?.headers["allow"] == "POST")
            #expect(wrong?.body == #"{"Err":"/VolumeDriver.Get must be called with POST, not GET"}"#)
            let post = try await test.call("/healthz")
            #expect(post?.status == 405)
            #expect(post?.headers["allow"] == "GET")
            let unknown = try await test.call("/VolumeDriver.Snapshot")
            #expect(unknown?.status == 404)
            #expect(unknown?.body.hasPrefix(#"{"Err":"unknown path '/VolumeDriver.Snapshot'"#) == true)
            let client = try await test.connect()
            try await client.send("QUERY /VolumeDriver.Get HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            let named = try await client.reply()
            #expect(named?.body == #"{"Err":"/VolumeDriver.Get must be called with POST, not QUERY"}"#)
            try await client.post("/nowhere")
            #expect(try await client.reply()?.status == 404)
            try await client.post("/VolumeDriver.Capabilities")
            #expect(try await client.reply()?.status == 200)
        }
    }

    @Test(
        "What is no HTTP is refused, and others are served",
        arguments: [
            "rubbish\r\n\r\n", "POST\r\n\r\n", "POST /VolumeDriver.List HTTP/9.9\r\n\r\n",
            "POST /VolumeDriver.Create HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST /VolumeDriver.Create HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "\u{16}\u{3}\u{1}\u{2}\u{0}",
        ])
    func notHTTP(bytes: String) async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send(bytes)
            let reply = try #require(try await client.reply())
            #expect(reply.status == 400)
            #expect(reply.body.contains("the request is not valid HTTP: "))
            #expect(try await client.reply() == nil)
            try await test.expectServing()
        }
    }

    @Test("Rubbish behind a request that still runs does not take its answer away")
    func rubbishBehindRequest() async throws {
        let gate = Gate()
        var script = ScriptedPlugin.Script()
        script.create = { _, _ in await gate.wait() }
        try await TestServer.run(script) { test in
            let client = try await test.connect()
            try await client.send(RawClient.request("/VolumeDriver.Create", #"{"Name":"v"}"#) + "rubbish\r\n\r\n")
            try await test.plugin.called(.create("v", [:]))
            await gate.open()
            #expect(try await client.reply()?.body == #"{"Err":""}"#)
            #expect(try await client.reply()?.status == 400)
            #expect(try await client.reply() == nil)
        }
    }

    @Test("Endless headers are refused")
    func endlessHeaders() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("POST /VolumeDriver.List HTTP/1.1\r\nX: " + String(repeating: "y", count: 100_000))
            #expect(try await client.reply()?.status == 400)
            try await test.expectServing()
        }
    }

    @Test(
        "Odd names reach the plugin as they are",
        arguments: ["..", "../x", "a/b", "a b", "-x", "Größe", "", String(repeating: "n", count: 5_000)])
    func oddNames(name: String) async throws {
        try await TestServer.run { test in
            for call in ["Path", "Get", "Remove"] {
                try await test.expect(200, "/VolumeDriver.\(call)", "{\"Name\":\"\(name)\"}")
            }
            for call in ["Mount", "Unmount"] {
                try await test.expect(200, "/VolumeDriver.\(call)", "{\"Name\":\"\(name)\",\"ID\":\"1\"}")
            }
            #expect(
                test.plugin.calls == [.path(name), .get(name), .remove(name), .mount(name, "1"), .unmount(name, "1")])
        }
    }
}

extension String {
    /// Puts `text` into the empty last string of a JSON object.
    fileprivate func replacingLast(with text: String) -> String {
        dropLast(2) + text + suffix(2)
    }
}

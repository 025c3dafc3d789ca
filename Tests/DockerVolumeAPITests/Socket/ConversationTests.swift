import DockerVolumeAPI
import RawHTTPClient
import Testing

@Suite("On the wire", .timeLimit(.minutes(1)))
struct ConversationTests {
    @Test("Each call is answered with one small response as dockerd expects it")
    func calls() async throws {
        var script = ScriptedPlugin.Script()
        script.list = { [VolumeDescription(name: "v", mountpoint: "/mnt/v")] }
        try await TestServer.run(script) { test in
            let expected: [(String, String, String)] = [
                ("/Plugin.Activate", "", #"{"Implements":["VolumeDriver"]}"#),
                ("/VolumeDriver.Capabilities", "{}", #"{"Capabilities":{"Scope":"global"}}"#),
                ("/VolumeDriver.Create", #"{"Name":"v","Opts":{"pool":"rbd"}}"# + "\n", #"{"Err":""}"#),
                ("/VolumeDriver.Create", #"{"Name":"w","Opts":null}"# + "\n", #"{"Err":""}"#),
                ("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#, #"{"Err":"","Mountpoint":"/mnt/v"}"#),
                ("/VolumeDriver.Path", #"{"Name":"v"}"#, #"{"Err":"","Mountpoint":"/mnt/v"}"#),
                (
                    "/VolumeDriver.Get", #"{"Name":"v"}"#,
                    #"{"Err":"","Volume":{"Mountpoint":"","Name":"v","Status":{}}}"#
                ),
                (
                    "/VolumeDriver.List", "{}",
                    #"{"Err":"","Volumes":[{"Mountpoint":"/mnt/v","Name":"v","Status":{}}]}"#
                ),
                ("/VolumeDriver.Unmount", #"{"Name":"v","ID":"1"}"#, #"{"Err":""}"#),
                ("/VolumeDriver.Remove", #"{"Name":"v"}"#, #"{"Err":""}"#),
            ]
            let client = try await test.connect()
            for (path, body, answer) in expected {
                try await client.post(path, body)
                let reply = try #require(try await client.reply(), "\(path)")
                #expect(reply.statusLine == "HTTP/1.1 200 OK")
                #expect(reply.body == answer)
                #expect(
                    reply.headers == [
                        "content-type": "application/vnd.docker.plugins.v1.2+json",
                        "content-length": "\(answer.utf8.count)",
                    ])
            }
            #expect(
                test.plugin.calls == [
                    .create("v", ["pool": "rbd"]), .create("w", [:]), .mount("v", "1"), .path("v"), .get("v"), .list,
                    .unmount("v", "1"), .remove("v"),
                ])
        }
    }

    @Test("An error of the plugin's is a 500 with its words, and the connection stays")
    func errors() async throws {
        var script = ScriptedPlugin.Script()
        script.remove = { _ in throw ScriptedFailure(description: "volume 'v' is in use by node \"n1\"") }
        try await TestServer.run(script) { test in
            let client = try await test.connect()
            for _ in 0..<2 {
                try await client.post("/VolumeDriver.Remove", #"{"Name":"v"}"#)
                let reply = try await client.reply()
                #expect(reply?.status == 500)
                #expect(reply?.body == #"{"Err":"volume 'v' is in use by node \"n1\""}"#)
            }
        }
    }

    @Test("A Get that cannot know the truth has its connection closed without a byte")
    func noTruthfulAnswer() async throws {
        var script = ScriptedPlugin.Script()
        script.get = { _ in throw NoTruthfulAnswer(why: "etcd does not answer") }
        script.path = { _ in throw NoTruthfulAnswer(why: "etcd does not answer") }
        script.list = { throw NoTruthfulAnswer(why: "etcd does not answer") }
        try await TestServer.run(script) { test in
            #expect(try await test.call("/VolumeDriver.Get", #"{"Name":"v"}"#) == nil)
            let path = try await test.call("/VolumeDriver.Path", #"{"Name":"v"}"#)
            #expect(path?.body == #"{"Err":"etcd does not answer"}"#)
            let list = try await test.call("/VolumeDriver.List")
            #expect(list?.status == 500)
            try await test.expectServing()
        }
    }

    @Test("A Get of a volume that surely does not exist is an error")
    func notFound() async throws {
        var script = ScriptedPlugin.Script()
        script.get = { throw ScriptedFailure(description: "no such volume: \($0)") }
        try await TestServer.run(script) { test in
            let reply = try await test.call("/VolumeDriver.Get", #"{"Name":"v"}"#)
            #expect(reply?.status == 500)
            #expect(reply?.body == #"{"Err":"no such volume: v"}"#)
        }
    }

    @Test("Pipelined requests are answered one after the other, in order")
    func pipelining() async throws {
        let gate = Gate()
        var script = ScriptedPlugin.Script()
        script.mount = { name, _ in
            await gate.wait()
            return "/mnt/\(name)"
        }
        try await TestServer.run(script) { test in
            let client = try await test.connect()
            try await client.send(
                RawClient.request("/VolumeDriver.Mount", #"{"Name":"slow","ID":"1"}"#)
                    + RawClient.request("/VolumeDriver.Path", #"{"Name":"fast"}"#)
                    + RawClient.request("/VolumeDriver.Capabilities")
                    + RawClient.request("/nowhere"))
            try await test.plugin.called(.mount("slow", "1"))
            #expect(test.plugin.calls == [.mount("slow", "1")])
            await gate.open()
            #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/slow"}"#)
            #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/fast"}"#)
            #expect(try await client.reply()?.body == #"{"Capabilities":{"Scope":"global"}}"#)
            #expect(try await client.reply()?.status == 404)
        }
    }

    @Test("Thousands of pipelined requests behind a slow one are all answered, though the client has ended sending")
    func deepPipeline() async throws {
        let gate = Gate()
        var script = ScriptedPlugin.Script()
        script.list = {
            await gate.wait()
            return []
        }
        try await TestServer.run(script) { test in
            let client = try await test.connect()
            let small = "POST /VolumeDriver.Capabilities HTTP/1.1\r\n\r\n"
            try await client.send(RawClient.request("/VolumeDriver.List"))
            try await test.plugin.called(.list)
            async let sending: Void = {
                try await client.send(String(repeating: small, count: 3000))
                try await client.endSending()
            }()
            await gate.open()
            #expect(try await client.reply()?.body == #"{"Err":"","Volumes":[]}"#)
            for _ in 0..<3000 {
                let reply = try #require(try await client.reply())
                #expect(reply.status == 200)
            }
            try await sending
            #expect(try await client.reply() == nil)
        }
    }

    /// With some of these numbers the socket is full, and what waits is little enough for the server to go on reading.
    @Test(
        "A client that has ended sending and reads late gets every reply, however many wait to be sent",
        arguments: Array(stride(from: 600, through: 3000, by: 150)))
    func lateReader(_ count: Int) async throws {
        try await TestServer.run { test in
            let client = try await test.connect(reads: false)
            let small = "POST /VolumeDriver.Capabilities HTTP/1.1\r\n\r\n"
            async let sending: Void = {
                try await client.send(String(repeating: small, count: count))
                try await client.endSending()
            }()
            // By now the server has taken all requests as a rule, and cannot get rid of the replies.
            try await Task.sleep(for: .milliseconds(200))
            try await client.beginReading()
            for _ in 0..<count {
                let reply = try #require(try await client.reply())
                #expect(reply.status == 200)
            }
            try await sending
            #expect(try await client.reply() == nil)
        }
    }

    @Test("A chunked body is put together")
    func chunked() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("POST /VolumeDriver.Mount HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in [#"{"Name":"#, #""chu"#, #"nked","ID":"1"}"#] {
                try await client.send("\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n")
            }
            try await client.send("0\r\n\r\n")
            #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/chunked"}"#)
            try await client.post("/VolumeDriver.Path", #"{"Name":"after"}"#)
            #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/after"}"#)
        }
    }

    @Test("A request that arrives byte by byte is answered like any other")
    func byteByByte() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            for byte in RawClient.request("/VolumeDriver.Path", #"{"Name":"v"}"#).utf8 {
                try await client.send([byte])
            }
            #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/v"}"#)
        }
    }

    @Test("HTTP/1.0 is answered in kind and closed, or kept when it asks for that")
    func http10() async throws {
        try await TestServer.run { test in
            let closing = try await test.connect()
            try await closing.send("POST /VolumeDriver.List HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
            let reply = try await closing.reply()
            #expect(reply?.statusLine == "HTTP/1.0 200 OK")
            #expect(reply?.headers["connection"] == "close")
            #expect(try await closing.reply() == nil)
            let keeping = try await test.connect()
            for _ in 0..<2 {
                try await keeping.send(
                    "POST /VolumeDriver.List HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")
                #expect(try await keeping.reply()?.headers["connection"] == "keep-alive")
            }
        }
    }

    @Test("Connection: close is honoured")
    func connectionClose() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("POST /VolumeDriver.List HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await client.reply()?.headers["connection"] == "close")
            #expect(try await client.reply() == nil)
        }
    }

    @Test("A client that asks for an upgrade is answered and not left hanging")
    func upgrade() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.send("POST /VolumeDriver.List HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            #expect(try await client.reply()?.status == 200)
            #expect(try await client.reply() == nil)
        }
    }

    @Test("A client that asks before it sends the body is told to go on")
    func expectContinue() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            let body = #"{"Name":"v","ID":"1"}"#
            try await client.send(
                "POST /VolumeDriver.Mount HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n")
            #expect(try await client.reply()?.statusLine == "HTTP/1.1 100 Continue")
            try await client.send(body)
            #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/v"}"#)
        }
    }

    @Test("Host, Content-Type and Accept may be anything or missing")
    func oddHeaders() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            for headers in ["", "Host: ../../x y\r\n", "Content-Type: text/html\r\nAccept: image/png\r\nHost:\r\n"] {
                try await client.send(
                    "POST /VolumeDriver.Path HTTP/1.1\r\n\(headers)Content-Length: 12\r\n\r\n{\"Name\":\"v\"}")
                #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/v"}"#)
            }
        }
    }

    @Test("A client that ends sending right after its request still gets the answer, then the connection ends")
    func halfClosed() async throws {
        let gate = Gate()
        var script = ScriptedPlugin.Script()
        script.mount = { name, _ in
            await gate.wait()
            return "/mnt/\(name)"
        }
        try await TestServer.run(script) { test in
            let client = try await test.connect()
            try await client.post("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            try await client.endSending()
            try await test.plugin.called(.mount("v", "1"))
            await gate.open()
            #expect(try await client.reply()?.body == #"{"Err":"","Mountpoint":"/mnt/v"}"#)
            #expect(try await client.reply() == nil)
            #expect(test.plugin.calls == [.mount("v", "1")])
        }
    }

    @Test("Activate and Capabilities are answered while every thread of the plugin's is stuck")
    func staticAnswers() async throws {
        let gate = Gate()
        var script = ScriptedPlugin.Script()
        script.get = {
            await gate.wait()
            return VolumeDescription(name: $0)
        }
        try await TestServer.run(script) { test in
            let stuck = try await test.connect()
            try await stuck.post("/VolumeDriver.Get", #"{"Name":"v"}"#)
            try await test.plugin.called(.get("v"))
            try await test.expect(200, "/VolumeDriver.Capabilities")
            try await test.expect(200, "/Plugin.Activate", "")
            await gate.open()
            #expect(try await stuck.reply()?.status == 200)
        }
    }
}

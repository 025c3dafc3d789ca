import DockerVolumeAPI
import LocalHTTP
import RawHTTPClient
import Testing

@Suite("Budget, and clients that leave", .timeLimit(.minutes(1)))
struct PatienceTests {
    /// A script whose Mount, Create and Get wait for the gate.
    private static func script(_ gate: Gate) -> ScriptedPlugin.Script {
        var script = ScriptedPlugin.Script()
        script.mount = { name, _ in
            await gate.wait()
            return "/mnt/\(name)"
        }
        script.create = { _, _ in await gate.wait() }
        script.get = {
            await gate.wait()
            return VolumeDescription(name: $0)
        }
        script.list = {
            await gate.wait()
            return []
        }
        return script
    }

    @Test("A Mount beyond its budget is answered with an error, and undone when it succeeds after all")
    func lateMount() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate), budget: .milliseconds(100)) { test in
            let client = try await test.connect()
            try await client.post("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            let reply = try await client.reply()
            #expect(reply?.status == 500)
            #expect(reply?.body.contains("Mount of volume 'v' is still running after 0.1 s") == true)
            try await test.plugin.called(.mount("v", "1"))
            // The connection is free for the next call while the mount goes on.
            try await client.post("/VolumeDriver.Capabilities")
            #expect(try await client.reply()?.status == 200)
            await gate.open()
            try await test.plugin.called(.unmount("v", "1"))
            #expect(test.plugin.calls == [.mount("v", "1"), .unmount("v", "1")])
        }
    }

    @Test("A budget that changes while the server runs holds for the calls that begin then")
    func changedBudget() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate), budget: .seconds(3600)) { test in
            let early = try await test.connect()
            try await early.post("/VolumeDriver.Create", #"{"Name":"early"}"#)
            try await test.plugin.called(.create("early", [:]))
            test.server.changeBudget(to: .milliseconds(50))
            let late = try await test.call("/VolumeDriver.Create", #"{"Name":"late"}"#)
            #expect(late?.body.contains("Create of volume 'late' is still running after 0.05 s") == true)
            await gate.open()
            #expect(try await early.reply()?.status == 200)
        }
    }

    @Test("A Create beyond its budget goes on to its end and is not undone")
    func lateCreate() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate), budget: .milliseconds(100)) { test in
            let reply = try await test.call("/VolumeDriver.Create", #"{"Name":"v"}"#)
            #expect(reply?.body.contains("Create of volume 'v' is still running") == true)
            await gate.open()
            // Draining waits for the work that went on.
            #expect(await test.server.drain(timeout: .seconds(30)) == DrainReport(stillRunning: 0))
            #expect(test.plugin.calls == [.create("v", [:])])
        }
    }

    @Test("A Get beyond its budget is closed without a reply; a List gets an error")
    func lateQuestions() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate), budget: .milliseconds(100)) { test in
            #expect(try await test.call("/VolumeDriver.Get", #"{"Name":"v"}"#) == nil)
            let list = try await test.call("/VolumeDriver.List")
            #expect(list?.status == 500)
            #expect(list?.body.contains("List is still running") == true)
            await gate.open()
        }
    }

    @Test("A Mount that fails after its budget leaves nothing to undo")
    func lateFailure() async throws {
        let gate = Gate()
        var script = ScriptedPlugin.Script()
        script.mount = { _, _ in
            await gate.wait()
            throw ScriptedFailure(description: "no such pool")
        }
        try await TestServer.run(script, budget: .milliseconds(100)) { test in
            try await test.expect(500, "/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            await gate.open()
            #expect(await test.server.drain(timeout: .seconds(30)) == DrainReport(stillRunning: 0))
            #expect(test.plugin.calls == [.mount("v", "1")])
        }
    }

    @Test("The work of a call is not cancelled by its time-out")
    func notCancelled() async throws {
        let gate = Gate()
        let sawCancellation = Gate()
        var script = ScriptedPlugin.Script()
        script.remove = { _ in
            await gate.wait()
            if Task.isCancelled { await sawCancellation.open() }
            try Task.checkCancellation()
        }
        try await TestServer.run(script, budget: .milliseconds(100)) { test in
            try await test.expect(500, "/VolumeDriver.Remove", #"{"Name":"v"}"#)
            await gate.open()
            await test.server.drain(timeout: .seconds(30))
            #expect(test.metrics().contains(#"rbd_plugin_operations_in_flight{operation="remove"} 0"#))
            #expect(await !sawCancellation.isOpen)
        }
    }

    @Test("A Mount whose client has gone is undone", arguments: [false, true])
    func clientGone(endsSendingFirst: Bool) async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate)) { test in
            let client = try await test.connect()
            try await client.post("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            try await test.plugin.called(.mount("v", "1"))
            if endsSendingFirst { try await client.endSending() }
            try await client.close()
            try await test.until(#"operations_total{operation="mount",outcome="abandoned"} 1"#)
            await gate.open()
            try await test.plugin.called(.unmount("v", "1"))
        }
    }

    @Test("A Mount sent and abandoned in one breath is undone")
    func goneAtOnce() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate)) { test in
            let client = try await test.connect()
            try await client.post("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            try await client.close()
            try await test.plugin.called(.mount("v", "1"))
            try await test.until(#"operations_total{operation="mount",outcome="abandoned"} 1"#)
            await gate.open()
            try await test.plugin.called(.unmount("v", "1"))
        }
    }

    @Test("A client that goes away with a pipelined request behind its Mount: the Mount is undone, the rest not begun")
    func goneWhilePipelining() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate)) { test in
            let client = try await test.connect()
            try await client.send(
                RawClient.request("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
                    + RawClient.request("/VolumeDriver.Remove", #"{"Name":"v"}"#))
            try await test.plugin.called(.mount("v", "1"))
            try await client.close()
            try await test.until(#"operations_total{operation="mount",outcome="abandoned"} 1"#)
            await gate.open()
            try await test.plugin.called(.unmount("v", "1"))
            #expect(test.plugin.calls == [.mount("v", "1"), .unmount("v", "1")])
        }
    }

    @Test("A Mount whose reply the client never read is undone")
    func replyNotRead() async throws {
        try await TestServer.run { test in
            let client = try await test.connect(reads: false)
            try await client.post("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            try await test.until(#"operations_total{operation="mount",outcome="ok"} 1"#)
            // The reply is written in the same turn of the server's event loop as it is counted, or the next.
            try await test.expectServing()
            try await client.close()
            try await test.plugin.called(.unmount("v", "1"))
        }
    }

    @Test("A Mount whose reply was read stays, also when the client then closes its connection")
    func replyRead() async throws {
        try await TestServer.run { test in
            let client = try await test.connect()
            try await client.post("/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            #expect(try await client.reply()?.status == 200)
            try await client.close()
            await test.server.drain(timeout: .seconds(30))
            #expect(test.plugin.calls == [.mount("v", "1")])
        }
    }

    @Test("A Create or Unmount whose client has gone is left to end, nothing is undone")
    func othersGone() async throws {
        let gate = Gate()
        try await TestServer.run(Self.script(gate)) { test in
            let client = try await test.connect()
            try await client.post("/VolumeDriver.Create", #"{"Name":"v"}"#)
            try await test.plugin.called(.create("v", [:]))
            try await client.close()
            try await test.until(#"operations_total{operation="create",outcome="abandoned"} 1"#)
            await gate.open()
            await test.server.drain(timeout: .seconds(30))
            #expect(test.plugin.calls == [.create("v", [:])])
        }
    }

    @Test("An undo that fails is the end of it, and others are served")
    func undoFails() async throws {
        let gate = Gate()
        var script = Self.script(gate)
        script.unmount = { _, _ in throw ScriptedFailure(description: "busy") }
        try await TestServer.run(script, budget: .milliseconds(100)) { test in
            try await test.expect(500, "/VolumeDriver.Mount", #"{"Name":"v","ID":"1"}"#)
            await gate.open()
            try await test.plugin.called(.unmount("v", "1"))
            try await test.expect(200, "/VolumeDriver.Capabilities")
            #expect(await test.server.drain(timeout: .seconds(30)) == DrainReport(stillRunning: 0))
        }
    }
}

import FoundationEssentials
import Glibc
import LocalHTTP
import RawHTTPClient
import Synchronization
import Testing

@Suite("Socket file and draining", .timeLimit(.minutes(1)))
struct StartAndDrainTests {
    @Test("The socket is made with its folders, for its owner alone, and removed by the drain")
    func socketFile() async throws {
        try await TestServer.run { test in
            var status = stat()
            #expect(lstat(test.path, &status) == 0)
            #expect(status.st_mode & S_IFMT == S_IFSOCK)
            #expect(status.st_mode & 0o777 == 0o600)
            await test.server.drain(timeout: .seconds(30))
            #expect(lstat(test.path, &status) != 0)
        }
    }

    @Test("A socket that nobody listens on any more is replaced")
    func staleSocket() async throws {
        let test = TestServer()
        try FileManager.default.createDirectory(atPath: "\(test.folder)/sockets", withIntermediateDirectories: true)
        close(try #require(UnixSocket.bound(to: test.path)))
        try await test.server.start()
        try await test.expectServing()
        await test.end()
    }

    @Test("A socket that a living server answers on is refused and left alone")
    func liveSocket() async throws {
        try await TestServer.run { test in
            let second = test.another()
            let error = await #expect(throws: SocketError.self) { try await second.start() }
            #expect(error?.description.hasPrefix("cannot listen on \(test.path): another server answers there") == true)
            try await test.expectServing()
        }
    }

    @Test("A file that is no socket is refused and left alone")
    func otherFile() async throws {
        let test = TestServer()
        try FileManager.default.createDirectory(atPath: "\(test.folder)/sockets", withIntermediateDirectories: true)
        try Data("precious".utf8).write(to: URL(filePath: test.path))
        let error = await #expect(throws: SocketError.self) { try await test.server.start() }
        #expect(error?.reason.contains("not a socket is in the way") == true)
        #expect(try Data(contentsOf: URL(filePath: test.path)) == Data("precious".utf8))
        await test.end()
    }

    @Test("Paths that no unix socket can have are refused by their length", arguments: [0, 108, 4_000])
    func pathLength(length: Int) async throws {
        let test = TestServer().another(path: String(("/tmp/" + String(repeating: "x", count: length)).prefix(length)))
        let error = await #expect(throws: SocketError.self) { try await test.start() }
        #expect(error?.reason.contains("the path has \(length) bytes") == true)
    }

    @Test("The longest path works")
    func longestPath() async throws {
        let test = TestServer()
        let path = test.folder + "/" + String(repeating: "s", count: 106 - test.folder.utf8.count)
        #expect(path.utf8.count == 107)
        let server = test.another(path: path)
        try await server.start()
        let client = try #require(UnixSocket.connected(to: path))
        close(client)
        await server.drain(timeout: .seconds(30))
        await test.end()
    }

    @Test("A server starts once")
    func startsOnce() async throws {
        try await TestServer.run { test in
            let error = await #expect(throws: SocketError.self) { try await test.server.start() }
            #expect(error?.reason == "the server was already started or drained")
            try await test.expectServing()
        }
    }

    @Test("A drained server's socket is not taken away from its successor")
    func successor() async throws {
        try await TestServer.run { test in
            #expect(unlink(test.path) == 0)
            let successor = test.another()
            try await successor.start()
            await test.server.drain(timeout: .seconds(30))
            let client = try await test.connect()
            try await client.post("/at-once")
            #expect(try await client.reply()?.status == 200)
            try await client.close()
            await successor.drain(timeout: .seconds(30))
        }
    }

    @Test("run() serves until the drain and then returns")
    func run() async throws {
        let test = TestServer()
        async let running: Void = test.server.run()
        while (try? await test.connect().close()) == nil { try await Task.sleep(for: .milliseconds(5)) }
        try await test.expectServing()
        #expect(await test.server.drain(timeout: .seconds(30)) == DrainReport(stillRunning: 0))
        try await running
        await test.end()
    }

    @Test("run() returns without an error also when the drain comes before it, or while it starts")
    func drainedEarly() async throws {
        let never = TestServer()
        await never.server.drain(timeout: .seconds(30))
        try await never.server.run()
        await never.end()
        for _ in 0..<50 {
            let test = TestServer()
            let hasEnded = Atomic(false)
            async let running: Void = {
                defer { hasEnded.store(true, ordering: .releasing) }
                try await test.server.run()
            }()
            // Clients are let in a moment before the server knows that it serves.
            var client = UnixSocket.connected(to: test.path)
            while client == nil, !hasEnded.load(ordering: .acquiring), !Task.isCancelled {
                // The server may need this very thread to start.
                await Task.yield()
                client = UnixSocket.connected(to: test.path)
            }
            #expect(client != nil)
            await test.server.drain(timeout: .seconds(30))
            try await running
            client.map { _ = close($0) }
            await test.end()
        }
    }

    @Test("Cancelling run() closes the server at once and lets the work go on to its end")
    func cancelledRun() async throws {
        let (gate, ended) = (Gate(), Gate())
        var script = ScriptedService.Script()
        script.work = { _ in
            await gate.wait()
            if !Task.isCancelled { await ended.open() }
        }
        let test = TestServer(script)
        let running = Task { try await test.server.run() }
        while (try? await test.connect().close()) == nil { try await Task.sleep(for: .milliseconds(5)) }
        let client = try await test.connect()
        try await client.post("/work")
        try await test.service.until(.began("/work"))
        running.cancel()
        try await running.value
        #expect(try await client.reply() == nil)
        await gate.open()
        await ended.wait()
        await test.end()
    }

    @Test("A drain closes idle and half-sent connections and lets running calls end")
    func drainWithRunningCall() async throws {
        let gate = Gate()
        var script = ScriptedService.Script()
        script.work = { _ in await gate.wait() }
        try await TestServer.run(script) { test in
            let (idle, halfSent, running) = (
                try await test.connect(), try await test.connect(), try await test.connect()
            )
            try await idle.post("/at-once")
            #expect(try await idle.reply()?.status == 200)
            try await halfSent.send("POST /claim HTTP/1.1\r\nContent-Le")
            try await running.post("/claim")
            try await test.service.until(.began("/claim"))

            async let report = test.server.drain(timeout: .seconds(30))
            #expect(try await idle.reply() == nil)
            #expect(try await halfSent.reply() == nil)
            await #expect(throws: (any Error).self) { try await test.connect() }
            await gate.open()
            let reply = try await running.reply()
            #expect(reply?.body == "/claim {}")
            #expect(reply?.headers["connection"] == "close")
            #expect(try await running.reply() == nil)
            #expect(await report == DrainReport(stillRunning: 0))
            // That of the half-sent request.
            let others = test.service.events.filter { $0 != .refused }
            #expect(others == [.began("/claim"), .ended("/claim"), .answered("/claim")])
        }
    }

    @Test("A drain waits for the undoing of a call that nobody waits for")
    func drainWaitsForUndo() async throws {
        let (working, undoing) = (Gate(), Gate())
        var script = ScriptedService.Script()
        script.work = { _ in await working.wait() }
        script.undo = { await undoing.wait() }
        try await TestServer.run(script, budget: .milliseconds(50)) { test in
            #expect(try await test.call("/claim")?.status == 503)
            async let report = test.server.drain(timeout: .seconds(30))
            await working.open()
            try await test.service.until(.unheard("/claim"))
            await undoing.open()
            #expect(await report == DrainReport(stillRunning: 0))
            #expect(test.service.events.last == .undone("/claim", .budgetRanOut))
        }
    }

    @Test("When the time is up the drain says what still runs, and closes its connection")
    func drainDeadline() async throws {
        let gate = Gate()
        var script = ScriptedService.Script()
        script.work = { _ in await gate.wait() }
        try await TestServer.run(script) { test in
            let client = try await test.connect()
            try await client.post("/work")
            try await test.service.until(.began("/work"))
            #expect(await test.server.drain(timeout: .milliseconds(50)) == DrainReport(stillRunning: 1))
            #expect(try await client.reply() == nil)
            await gate.open()
        }
    }

    @Test("A lack of file descriptors does not end the server")
    func outOfDescriptors() async {
        // In a process of its own, so that other tests keep their descriptors.
        await #expect(processExitsWith: .success) {
            let test = TestServer()
            try await test.server.start()
            // Lets everything that opens descriptors once do so.
            try await test.expectServing()
            try await Task.sleep(for: .milliseconds(500))
            // Beside what is open already, which may come from tests that ran when this process was started.
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { rlim_t($0) }
            let most = (open.max() ?? 0) + 40
            var limit = rlimit(rlim_cur: most, rlim_max: most)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            var clients: [CInt] = []
            while let client = UnixSocket.connected(to: test.path) { clients.append(client) }
            #expect(clients.count > 10)
            // The last ones wait to be accepted, and cannot be. No Task.sleep: that may need a descriptor of its own.
            usleep(100_000)
            for client in clients { close(client) }
            try await test.expectServing()
            await test.end()
        }
    }
}

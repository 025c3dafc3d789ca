import FoundationEssentials
import Glibc
import Rig
import Testing

extension EngineTests {
    /// dockerd and the plugin end without a word while containers use volumes.
    @Suite("Bad days")
    struct CrashTests {
        @Test("dockerd is killed and comes back: no volume is lost, and none stays stuck to containers that are gone")
        func daemonKilled() async throws {
            try await Self.withPlugin { plugin in
                let engine = plugin.engine
                let (again, gone) = (try await plugin.volume("again"), try await plugin.volume("gone"))
                let restarted = try await plugin.container(on: again)
                let removed = try await plugin.container(on: gone)
                try await plugin.exec(restarted, "echo kept >/data/file && sync")
                try await plugin.settle()
                try await engine.crash()
                try await engine.start()

                // Mounted anew under the stale id of before, as soon as Ceph is sure that the former client has ended.
                var refusal = ""
                try await eventually("\(restarted) to start: \(refusal)", within: .seconds(60)) {
                    let result = try await engine.run(["start", restarted])
                    refusal = result.error
                    return result.succeeded
                }
                #expect(try await plugin.exec(restarted, "cat /data/file; echo more >>/data/file") == "kept")
                #expect(try await engine.refusal("volume", "rm", again).contains("in use"))
                try await engine.docker("rm", "--force", restarted)
                #expect(try await plugin.run("cat /data/file", on: again) == "kept\nmore")
                try await plugin.remove(again)

                // Nobody ever unmounts this one.
                try await engine.docker("rm", "--force", removed)
                try await plugin.removeStranded(gone)
            }
        }

        @Test("dockerd is killed under live-restore: containers go on writing, and their volumes stay theirs")
        func liveRestore() async throws {
            try await Self.withPlugin(["--live-restore"]) { plugin in
                let (engine, volume) = (plugin.engine, try await plugin.volume("live"))
                let writer = try await plugin.writer(on: volume)
                let before = try await plugin.linesWritten(by: writer, atLeast: 3)
                let mappings = plugin.mappings(of: volume)
                try await engine.crash()
                try await engine.start(["--live-restore"])
                _ = try await plugin.linesWritten(by: writer, atLeast: before + 3)
                #expect(try await plugin.failures(of: writer) == "")
                #expect(plugin.mappings(of: volume) == mappings)
                #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
                // A second user comes and goes; the first has it still.
                #expect(try await Int(plugin.run("wc -l </data/log", on: volume)) ?? 0 >= before)
                _ = try await plugin.linesWritten(by: writer, atLeast: before + 6)
                try await engine.docker("rm", "--force", writer)
                try await plugin.remove(volume)
            }
        }

        @Test(
            "dockerd is stopped in good order: the volume is unmounted, and is back when its container is started again"
        )
        func daemonStopped() async throws {
            try await Self.withPlugin { plugin in
                let (engine, volume) = (plugin.engine, try await plugin.volume("orderly"))
                let container = try await plugin.container(on: volume, ["--restart", "always"])
                try await plugin.exec(container, "echo kept >/data/file")
                try await engine.stop()
                #expect(plugin.holdings(of: volume).isEmpty)
                #expect(try await plugin.mountRecord(of: volume) == nil)
                try await engine.start()
                try await eventually("the container to be started again with its volume") {
                    try await engine.run(["exec", container, "cat", "/data/file"]).output == "kept\n"
                }
                try await engine.docker("rm", "--force", container)
                try await plugin.remove(volume)
            }
        }

        @Test("The plugin is killed: Docker starts it again, no use is forgotten, and nothing stays behind")
        func pluginKilled() async throws {
            try await Self.withPlugin { plugin in
                let (engine, volume) = (plugin.engine, try await plugin.volume("survivor"))
                let user = try await plugin.container(on: volume)
                try await plugin.exec(user, "echo kept >/data/file && sync")
                let device = try await plugin.device(of: volume)
                try await plugin.settle()
                let killed = try await plugin.kill()
                try await eventually("Docker to start the plugin again") {
                    let processes = try await plugin.processes
                    return !processes.isEmpty && processes.allSatisfy { !killed.contains($0) }
                }
                try await eventually("the volume to be there again") {
                    try await engine.run(["volume", "inspect", volume]).succeeded
                }
                #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
                if try await plugin.dataPathSurvives(volume) {
                    #expect(try await plugin.run("cat /data/file; echo more >>/data/file", on: volume) == "kept")
                    #expect(try await plugin.mountRecord(of: volume)?["mountIDs"]?.object.count == 1)
                    #expect(try await plugin.exec(user, "cat /data/file") == "kept\nmore")
                    try await engine.docker("rm", "--force", user)
                } else {
                    // Its device has died with the plugin's processes. What it had synced is there for the next container.
                    try await engine.docker("rm", "--force", user)
                    try await eventually("the dead mount to be let go of") {
                        try await plugin.mountRecord(of: volume) == nil
                    }
                    #expect(try await plugin.runOnceFree("cat /data/file", on: volume) == "kept")
                }
                #expect(plugin.mappings(of: volume).count <= 1)
                try await plugin.removeStranded(volume)
                try await plugin.expectGivenBack(device)
            }
        }

        private static func withPlugin(
            _ options: [String] = [], _ body: (ManagedPlugin) async throws -> Void
        ) async throws {
            let package = try await SharedEngine.package
            try await DockerEngine.with(options) { engine in
                let plugin = ManagedPlugin("wetopi/rbd", in: engine)
                try await plugin.create(from: package)
                try await body(plugin)
            }
        }
    }
}

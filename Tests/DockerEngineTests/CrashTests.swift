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
                try await engine.startAgain()

                // Mounted anew under the stale id of before, as soon as Ceph is sure that the former client has ended.
                var refusal = ""
                try await eventually("\(restarted) to start: \(refusal)", within: .seconds(60)) {
                    let result = try await engine.run(["start", restarted])
                    refusal = result.error
                    return result.succeeded
                }
                let kept = try await plugin.exec(restarted, "cat /data/file 2>&1; echo more >>/data/file")
                let seen = try await plugin.exec(restarted, "ls -la /data; grep data /proc/mounts")
                #expect(kept == "kept", "\(seen)")
                #expect(try await engine.refusal("volume", "rm", again).contains("in use"))
                try await engine.docker("rm", "--force", restarted)
                let found = try await plugin.run("cat /data/file", on: again)
                #expect(found == "kept\nmore")
                try await plugin.remove(again)

                // Nobody ever unmounts this one.
                try await engine.docker("rm", "--force", removed)
                try await plugin.removeStranded(gone)
            }
        }

        @Test("dockerd is killed under live-restore: containers go on writing, and their volumes stay theirs")
        func liveRestore() async throws {
            try await Self.withPlugin(["--live-restore"]) { try await $0.staysThroughDaemonsDeath() }
        }

        @Test(
            "dockerd is stopped in good order: the volume is unmounted, and is back when its container is started again"
        )
        func daemonStopped() async throws {
            try await Self.withEngine { plugin, engine in
                let volume = try await plugin.volume("orderly")
                let container = try await plugin.container(on: volume, ["--restart", "always"])
                try await plugin.exec(container, "echo kept >/data/file")
                try await engine.stop()
                #expect(try await plugin.holdings(of: volume).isEmpty)
                #expect(try await plugin.mountRecord(of: volume) == nil)
                try await engine.startAgain()
                try await eventually("the container to be started again with its volume") {
                    try await engine.run(["exec", container, "cat", "/data/file"]).output == "kept\n"
                }
                try await engine.docker("rm", "--force", container)
                try await plugin.remove(volume)
            }
        }

        @Test("The plugin is killed: Docker starts it again, no use is forgotten, and nothing stays behind")
        func pluginKilled() async throws {
            try await Self.withPlugin { try await $0.comesBackAfterItsOwnDeath() }
        }

        private static func withPlugin(
            _ options: [String] = [], _ body: (ManagedPlugin) async throws -> Void
        ) async throws {
            try await withEngine(options) { plugin, _ in try await body(plugin) }
        }

        private static func withEngine(
            _ options: [String] = [], _ body: (ManagedPlugin, DockerEngine) async throws -> Void
        ) async throws {
            let package = try await SharedEngine.package
            try await DockerEngine.with(options) { engine in
                let plugin = ManagedPlugin("wetopi/rbd", in: engine)
                try await plugin.create(from: package)
                try await body(plugin, engine)
            }
        }
    }
}

import Rig
import Testing

extension EngineTests {
    /// `docker plugin set`, and what becomes of wrong settings.
    @Suite("Settings")
    struct SettingsTests {
        @Test("Wrong settings leave a readable reason in the daemon's log, and can be corrected")
        func wrongSettings() async throws {
            let engine = try await SharedEngine.plugin.engine
            let plugin = ManagedPlugin("wetopi/rbd:settings", in: engine)
            let package = try await SharedEngine.package.version("settings")
            try await engine.docker("plugin", "create", plugin.name, package.folder)
            try await plugin.set(try plugin.settings + ["RBD_DEFAULT_SIZE=enormous", "ETCD_ENDPOINTS=ftp://somewhere"])
            _ = try await engine.refusal("plugin", "enable", plugin.name)
            let log = try await plugin.log
            for words in [
                "rbd-plugin cannot start", "RBD_DEFAULT_SIZE", "enormous", "ETCD_ENDPOINTS", "ftp://somewhere",
            ] {
                #expect(log.contains(words), "\(words)")
            }
            #expect(try await engine.docker("plugin", "inspect", "--format", "{{.Enabled}}", plugin.name) == "false")

            try await plugin.set(try plugin.settings + ["RBD_DEFAULT_SIZE=40", "RBD_DEFAULT_POOL=rbd"])
            try await plugin.enable()
            let volume = uniqueName("default")
            try await engine.docker("volume", "create", "--driver", plugin.name, volume)
            let size = try await engine.docker("volume", "inspect", "--format", "{{.Status.size}}", volume)
            #expect(size == "40M")
            // The pool of RBD_DEFAULT_POOL also makes the shortest form of an anonymous volume work.
            try await engine.docker(
                "run", "--rm", "--network", "none", "--volume-driver", plugin.name, "--volume", "/data",
                BusyboxImage.name, "touch", "/data/file")
            try await engine.docker("volume", "rm", volume)
            try await engine.docker("plugin", "disable", plugin.name)
            try await engine.docker("plugin", "rm", plugin.name)
        }

        @Test("The key is in no log")
        func secrets() async throws {
            let plugin = try await SharedEngine.plugin
            let key = try text(of: plugin.environment.cephKeyFile).filter { !$0.isWhitespace }
            #expect(try await !plugin.log.isEmpty)
            #expect(try await !plugin.log.contains(key))
        }
    }
}

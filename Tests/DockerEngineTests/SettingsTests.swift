import FoundationEssentials
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

        @Test("E13: in a managed plugin, which does not see the host's processes, the mapper nbd is refused")
        func e13NoNbd() async throws {
            let engine = try await SharedEngine.plugin.engine
            let plugin = ManagedPlugin("wetopi/rbd:nbd", in: engine)
            let package = try await SharedEngine.package.version("nbd")
            try await engine.docker("plugin", "create", plugin.name, package.folder)
            try await plugin.set(try plugin.settings + ["RBD_MAPPER=nbd"])
            try await plugin.enable()
            let options = ["--opt", "pool=rbd", "--opt", "size=32"]
            let answer = try await engine.run(
                ["volume", "create", "--driver", plugin.name] + options + [uniqueName("nbd")])
            #expect(answer.error.contains("a container cannot see the host's processes"), "\(answer.error)")
            try await engine.docker("plugin", "disable", plugin.name)
            try await engine.docker("plugin", "rm", plugin.name)
        }

        @Test("D6: what is of no concern arrives in the daemon's log at level info, with one time")
        func d6LogLevels() async throws {
            let lines = try await SharedEngine.plugin.log.split(separator: "\n")
            let ordinary = lines.filter { line in
                // Without a time of its own in front.
                ["info", "debug"].contains { line.contains("msg=\"\($0) rbd-plugin: ") }
            }
            #expect(ordinary.contains { $0.contains("listening") })
            #expect(ordinary.allSatisfy { $0.contains("level=info") }, "\(ordinary.first ?? "")")
        }

        @Test("D1: in a managed plugin, mapping and unmapping leaves no zombie")
        func d1NoZombie() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("zombie")
            for _ in 0..<3 { try await plugin.run("touch /data/file", on: volume) }
            try await plugin.remove(volume)
            let programs = try await plugin.engine.processes(ofPlugin: plugin.id)
            #expect(!programs.isEmpty)
            var zombies: [String] = []
            try await eventually("zombies to be reaped: \(zombies)") {
                zombies = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init).compactMap
                { pid in
                    let stat = (try? text(of: "/proc/\(pid)/stat")) ?? ""
                    return programs.contains { stat.contains(") Z \($0) ") } ? stat : nil
                }
                return zombies.isEmpty
            }
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

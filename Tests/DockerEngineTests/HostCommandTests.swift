import FoundationEssentials
import Glibc
import Rig
import Testing

extension EngineTests {
    /// `rbd-plugin` on the host of a managed plugin, with no settings given by hand.
    @Suite("The host's command")
    struct HostCommandTests {
        @Test("Typed on the host with no settings, the command shows the plugin's volumes, for people and for programs")
        func lists() async throws {
            let plugin = try await SharedEngine.plugin
            let host = try await HostCommand(for: plugin)
            let volume = try await plugin.volume("typed")
            let table = try await host.run("rbd-plugin volume ls").checked()
            #expect(table.output.split(separator: "\n").contains { $0.hasPrefix("\(volume) ") }, "\(table.output)")
            #expect(table.error == "")
            let records = try JSONValue(parsing: try await host.run("rbd-plugin volume ls --json").checked().output)
            #expect(records.array.contains { $0["name"] == .string(volume) })
            let container = try await plugin.container(on: volume)
            let mounts = try await host.run("rbd-plugin mount ls").checked().output
            let row = mounts.split(separator: "\n").first { $0.hasPrefix("\(volume) ") }?.split(separator: " ")
            #expect(row?.prefix(4) == [Substring(volume), Substring(plugin.node), "yes", "attached"], "\(mounts)")
            try await plugin.engine.docker("rm", "--force", container)
            try await plugin.remove(volume)
        }

        @Test("Status, standard error and standard input are the program's own")
        func streams() async throws {
            let plugin = try await SharedEngine.plugin
            let host = try await HostCommand(for: plugin)
            let unknown = try await host.run("rbd-plugin volume inspect nobody-has-this || echo status=$?")
            #expect(unknown.output == "status=1\n" && unknown.error.contains("nobody-has-this"), "\(unknown)")
            let mistyped = try await host.run("rbd-plugin volume ls --jsn || echo status=$?")
            #expect(mistyped.output == "status=64\n", "\(mistyped)")
            let policy = uniqueName("typed")
            let pool = plugin.environment.pool
            try await host.run("echo '{\"create\": {\"pool\": \"\(pool)\"}}' | rbd-plugin policy upload \(policy)")
                .checked()
            let shown = try JSONValue(parsing: try await host.run("rbd-plugin policy get \(policy)").checked().output)
            #expect(shown["create"]?["pool"] == .string(pool))
            try await host.run("rbd-plugin policy rm \(policy)").checked()
        }

        @Test("Backups go through pipes and into files of the host, also by relative paths and links, byte for byte")
        func backups() async throws {
            let plugin = try await SharedEngine.plugin
            let host = try await HostCommand(for: plugin)
            let (volume, other) = (try await plugin.volume("source"), uniqueName("restored"))
            try await plugin.run("dd if=/dev/urandom of=/data/file bs=1M count=9 && sync", on: volume)
            let sum = try await plugin.run("sha256sum /data/file", on: volume)
            let folder = "\(plugin.engine.scratch.path)/\(uniqueName("backups"))"
            try FileManager.default.createDirectory(atPath: folder + "/deep", withIntermediateDirectories: true)
            // A link whose target is a path of the host.
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/deep")
            let line = """
                rbd-plugin snapshot create \(volume) first
                rbd-plugin backup export \(volume)@first > piped
                rbd-plugin backup export \(volume)@first relative
                rbd-plugin backup export \(volume)@first link/linked
                rbd-plugin backup export \(volume)@first "$PWD/absolute"
                cmp piped relative && cmp piped deep/linked && cmp piped absolute
                stat --format %a relative
                """
            let made = try await host.run(line, in: folder, within: .seconds(240)).checked()
            #expect(made.output.hasSuffix("\n600\n"), "\(made.output)")
            let exists = try await host.run("rbd-plugin backup export \(volume)@first relative || echo $?", in: folder)
            #expect(exists.output == "1\n" && exists.error.contains("relative exists"), "\(exists)")
            let nowhere = try await host.run("rbd-plugin backup export \(volume)@first no/where || echo $?", in: folder)
            #expect(nowhere.output == "1\n" && nowhere.error.contains("no such folder"), "\(nowhere)")

            let pool = plugin.environment.pool
            try await host.run(
                "cat piped | rbd-plugin backup import \(other) -o pool=\(pool)", in: folder, within: .seconds(240)
            ).checked()
            #expect(try await plugin.run("sha256sum /data/file", on: other) == sum)
            try await host.run("rbd-plugin snapshot rm \(other) first").checked()
            try await plugin.remove(other)
            try await host.run(
                "rbd-plugin backup import \(other) link/linked -o pool=\(pool)", in: folder, within: .seconds(240)
            ).checked()
            #expect(try await plugin.run("sha256sum /data/file", on: other) == sum)
            for name in [other, volume] {
                try await host.run("rbd-plugin snapshot rm \(name) first").checked()
                try await plugin.remove(name)
            }
        }

        @Test("Ctrl-C and the end of the command end the program inside, and no key shows in any process's arguments")
        func endings() async throws {
            let plugin = try await SharedEngine.plugin
            let host = try await HostCommand(for: plugin)
            let key = try text(of: plugin.environment.cephKeyFile).filter { !$0.isWhitespace }
            for (signal, toGroup, ending) in [
                (SIGINT, true, SpawnedProcess.Ending.exited(130)), (SIGTERM, false, .signalled(SIGTERM)),
            ] {
                let own = try #require(try await plugin.engine.processes(ofPlugin: plugin.id).min())
                let entered = { Self.programs(beside: own).subtracting([own]) }
                let command = try host.start(
                    "rbd-plugin history --follow", log: plugin.engine.scratch.path + "/follow.log")
                try await eventually("the program to run inside the plugin", within: .seconds(60)) {
                    if let ending = command.poll() { throw RigFailure("the command ended: \(ending)") }
                    return entered().contains(where: Self.hearsInterrupts)
                }
                for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init) {
                    #expect((try? text(of: "/proc/\(pid)/cmdline"))?.contains(key) != true, "process \(pid)")
                }
                for pid in entered().union([command.pid]) {
                    #expect((try? text(of: "/proc/\(pid)/environ"))?.contains(key) != true, "process \(pid)")
                }
                _ = kill(toGroup ? -command.pid : command.pid, signal)
                #expect(try await command.waitForEnd(within: .seconds(30)) == ending)
                try await eventually("the program inside to end", within: .seconds(30)) { entered().isEmpty }
            }
        }

        @Test("Of several plugins the command wants to know which one, and each has its own volumes and settings")
        func several() async throws {
            let first = try await SharedEngine.plugin
            let engine = first.engine
            let host = try await HostCommand(for: first)
            let second = ManagedPlugin("wetopi/rbd:second", in: engine)
            try await second.create(from: try await SharedEngine.package.version("second"))
            let volume = try await second.volume("apart")

            let unnamed = try await host.run("rbd-plugin volume ls || echo status=$?")
            #expect(unnamed.output == "status=64\n" && unnamed.error.contains("--plugin NAME"), "\(unnamed)")
            for name in ["wetopi/rbd:latest", second.name] { #expect(unnamed.error.contains(name), "\(unnamed.error)") }
            #expect(
                try await host.run("rbd-plugin --plugin \(second.name) volume ls").checked().output.contains(volume))
            #expect(
                try await host.run("RBD_PLUGIN=\(second.name) rbd-plugin volume ls").checked().output.contains(volume))
            #expect(try await !host.run("rbd-plugin --plugin=wetopi/rbd volume ls").checked().output.contains(volume))
            let unknown = try await host.run("rbd-plugin --plugin nobody/has:this volume ls || echo status=$?")
            #expect(unknown.output == "status=1\n" && unknown.error.contains("no plugin nobody/has:this"), "\(unknown)")

            try await second.remove(volume)
            try await engine.docker("plugin", "disable", second.name)
            let disabled = try await host.run("rbd-plugin --plugin \(second.name) volume ls || echo status=$?")
            #expect(
                disabled.output == "status=1\n"
                    && disabled.error.contains("is disabled, so there is nothing to enter. 'docker plugin enable"),
                "\(disabled)")
            // The other one is alone then.
            try await host.run("rbd-plugin volume ls").checked()
            try await engine.docker("plugin", "rm", second.name)
        }

        @Test("Doctor, typed on the host, looks at the running plugin with the plugin's settings, and changes nothing")
        func doctor() async throws {
            let plugin = try await SharedEngine.plugin
            let host = try await HostCommand(for: plugin)
            let answer = try await host.run("rbd-plugin doctor --json || true")
            let report = try JSONValue(parsing: answer.output)
            #expect(report["node"] == .string(plugin.node), "\(answer.output)")
            let checks = report["checks"]?.array ?? []
            let verdicts = Dictionary(
                grouping: checks.map { ($0["check"]?.string ?? "", $0["verdict"]?.string ?? "") }, by: \.0)
            for check in ["ceph", "etcd access", "plugin"] {
                #expect(verdicts[check]?.contains { $0.1 == "ok" } == true, "\(check): \(answer.output)")
            }
            let folder = "\(plugin.engine.scratch.path)/\(uniqueName("report"))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let bundle = try await host.run(
                "rbd-plugin doctor --bundle report.tar.gz >said || test $? = 1; tar --list --file report.tar.gz; "
                    + "stat --format %a report.tar.gz", in: folder
            ).checked()
            for file in ["doctor.txt", "settings.txt", "records.txt", "health-0.json"] {
                #expect(bundle.output.contains("/\(file)\n"), "\(bundle)")
            }
            #expect(bundle.output.hasSuffix("\n600\n"))
        }

        /// Until it has begun, a program has inherited that Ctrl-C is for others.
        private static func hearsInterrupts(_ pid: Int32) -> Bool {
            let lines = (try? text(of: "/proc/\(pid)/status"))?.split(separator: "\n") ?? []
            let caught = lines.first { $0.hasPrefix("SigCgt:") }?.split(separator: "\t").last.flatMap {
                UInt64($0, radix: 16)
            }
            return (caught ?? 0) & (1 << UInt64(SIGINT - 1)) != 0
        }

        /// The processes that run the program where that of the plugin runs, in the host's numbers.
        private static func programs(beside plugin: Int32) -> Set<Int32> {
            func link(_ pid: Int32, _ name: String) -> String? {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/\(name)")
            }
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init)) ?? []
            let place = link(plugin, "ns/pid")
            return Set(all.filter { link($0, "ns/pid") == place && link($0, "exe")?.hasSuffix("/rbd-plugin") == true })
        }
    }
}

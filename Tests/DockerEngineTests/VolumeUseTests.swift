import Rig
import Testing

extension EngineTests {
    /// Volumes in containers, as README's section Use has it.
    @Suite("Use")
    struct VolumeUseTests {
        @Test("A volume is listed and inspected with its Status, and what one container wrote another one reads")
        func mainJob() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("main")
            let listed = try await plugin.engine.docker("volume", "ls", "--format", "{{.Driver}} {{.Name}}")
            #expect(listed.split(separator: "\n").contains("wetopi/rbd:latest \(volume)"))

            let inspected = try JSONValue(parsing: try await plugin.engine.docker("volume", "inspect", volume)).array
            let status = try #require(inspected.first?["Status"])
            #expect(status["image"] == .string("\(plugin.environment.pool)/\(volume)"))
            #expect(status["size"] == "206M")
            #expect(status["filesystem"] == "ext4")
            #expect(status["phase"] == "ready")
            #expect(inspected.first?["Scope"] == "global")
            #expect(inspected.first?["CreatedAt"]?.string?.hasSuffix("Z") == true)

            try await plugin.run("echo hello >/data/file", on: volume)
            #expect(try await plugin.run("cat /data/file", on: volume) == "hello")
            try await plugin.remove(volume)
            #expect(try await !CephRig(plugin.environment).exists(volume, in: plugin.environment.pool))
            #expect(try await plugin.records().filter { $0.contains(volume) }.isEmpty)
        }

        @Test("E13: the plugin's container has the mounts that it needs and no others, and wins no privileges")
        func e13Confinement() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("confined")
            let user = try await plugin.container(on: volume)
            try await plugin.expectConfinement(stateFolder: plugin.engine.scratch.path + "/s")
            try await plugin.engine.docker("rm", "--force", user)
            try await plugin.remove(volume)
        }

        @Test("Two containers share a volume; the end of one does not take it from the other, and in use it stays")
        func sharing() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("shared")
            let (first, second) = (try await plugin.container(on: volume), try await plugin.container(on: volume))
            try await plugin.exec(first, "echo from the first >/data/file")
            #expect(try await plugin.exec(second, "cat /data/file") == "from the first")
            #expect(try await plugin.mappings(of: volume).count <= 1)

            try await plugin.engine.docker("rm", "--force", first)
            try await plugin.exec(second, "echo still here >>/data/file && sync")
            let refusal = try await plugin.engine.refusal("volume", "rm", volume)
            #expect(refusal.contains("in use"))
            let mount = try await plugin.mountRecord(of: volume)
            #expect(mount?["mountIDs"]?.object.count == 1)

            try await plugin.engine.docker("rm", "--force", second)
            #expect(try await plugin.run("cat /data/file", on: volume) == "from the first\nstill here")
            try await plugin.remove(volume)
        }

        @Test("Removing is refused by the plugin too while another engine's container has the volume")
        func removingElsewhere() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("held")
            // Another Docker of this node, as far as the plugin can tell: its mount id is none of this engine's.
            let other = try await plugin.client
            try await other.mount(volume, id: "someone-else").checked()
            #expect(try await plugin.engine.refusal("volume", "rm", volume).contains("mounted"))
            try await other.unmount(volume, id: "someone-else").checked()
            try await plugin.remove(volume)
        }

        @Test("docker cp into and out of a running container, and a stopped one, leaves no use behind")
        func copying() async throws {
            let plugin = try await SharedEngine.plugin
            let (engine, volume) = (plugin.engine, try await plugin.volume("copied"))
            let container = try await plugin.container(on: volume)
            let file = engine.scratch.path + "/to-copy"
            try write("copied", to: file)
            try await engine.docker("cp", file, "\(container):/data/running")
            #expect(try await plugin.exec(container, "cat /data/running") == "copied")
            try await engine.docker("cp", "\(container):/data/running", file + ".back")
            #expect(try text(of: file + ".back") == "copied")
            // The same id is mounted and unmounted once more for each copy.
            #expect(try await plugin.exec(container, "echo more >>/data/running; cat /data/running") == "copiedmore")

            try await engine.docker("stop", container)
            try await engine.docker("cp", file, "\(container):/data/stopped")
            try await engine.docker("start", container)
            #expect(try await plugin.exec(container, "cat /data/stopped") == "copied")
            try await engine.docker("rm", "--force", container)
            try await plugin.remove(volume)
        }

        @Test("A fresh volume is filled with what the image has in its place, and lost+found is not in the way")
        func copyUp() async throws {
            let plugin = try await SharedEngine.plugin
            for filesystem in ["ext4", "xfs"] {
                let volume = try await plugin.volume("filled", ["fstype=\(filesystem)", "size=320"])
                let seeded = try await plugin.run("cd /seeded && find . -type f | sort", on: volume, at: "/seeded")
                #expect(seeded == "./below/file\n./file", "\(filesystem)")
                #expect(try await plugin.run("ls -A /data", on: volume) == "below\nfile", "\(filesystem)")
                try await plugin.remove(volume)
            }
            // What is there already is not touched.
            let volume = try await plugin.volume("used")
            try await plugin.run("echo mine >/data/own", on: volume)
            #expect(try await plugin.run("ls -A /seeded", on: volume, at: "/seeded") == "own")
            try await plugin.remove(volume)
        }

        @Test("A volume that is mounted read-only can be read and not written")
        func readOnly() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("readonly")
            try await plugin.run("echo kept >/data/file", on: volume)
            let said = try await plugin.run(
                "cat /data/file; echo x 2>&1 >/data/file || echo refused", on: volume, at: "/data:ro")
            #expect(said.hasPrefix("kept\n"))
            #expect(said.hasSuffix("refused"))
            #expect(try await plugin.run("cat /data/file", on: volume) == "kept")
            try await plugin.remove(volume)
        }

        @Test("A database that runs as its own user owns its data directory")
        func ownership() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("owned", ["uid=999", "gid=999", "mode=0700"])
            let said = try await plugin.run(
                "stat -c '%u %g %a' /data; ls -A /data; mkdir /data/base && echo made", on: volume,
                ["--user", "999:999"])
            #expect(said == "999 999 700\nmade")
            // Nobody else gets in.
            #expect(
                try await plugin.run("ls /data 2>/dev/null || echo refused", on: volume, ["--user", "1000"])
                    == "refused")
            try await plugin.remove(volume)
        }

        @Test("Anonymous volumes come and go with their containers, in each of the ways README shows")
        func anonymous() async throws {
            let plugin = try await SharedEngine.plugin
            let (engine, pool) = (plugin.engine, plugin.environment.pool)
            let mount =
                "type=volume,destination=/data,volume-driver=\(plugin.name),volume-opt=pool=\(pool),volume-opt=size=206"
            let before = try await plugin.records()
            let script = ["sh", "-c", "echo x >/data/file && df /data | tail -n 1 | cut -d ' ' -f 1"]
            let said = try await engine.run(
                ["run", "--rm", "--network", "none", "--mount", mount, BusyboxImage.name] + script
            ).checked().output
            #expect(said.hasPrefix("/dev/"))
            try await eventually("the anonymous volume to be removed with its container") {
                try await plugin.records() == before
            }
            let volume = try await engine.docker(
                "volume", "create", "--driver", plugin.name, "--opt", "pool=\(pool)", "--opt", "size=206")
            #expect(try await plugin.run("echo y >/data/file; cat /data/file", on: volume) == "y")
            try await plugin.remove(volume)
        }

        @Test("What a user gets wrong is answered with a sentence, and leaves nothing behind")
        func mistakes() async throws {
            let plugin = try await SharedEngine.plugin
            let (engine, before) = (plugin.engine, try await plugin.records())
            let create = ["volume", "create", "--driver", plugin.name]
            for (options, words) in [
                (["size=206"], "pool"), (["pool=nowhere"], "nowhere"), (["pool=rbd", "sise=10"], "sise"),
                (["pool=rbd", "fstype=zfs"], "zfs"), (["pool=rbd", "size=-1"], "-1"),
            ] {
                let result = try await engine.run(create + options.flatMap { ["--opt", $0] } + [uniqueName("wrong")])
                #expect(!result.succeeded)
                #expect(result.error.contains(words), "\(options)")
            }
            #expect(try await plugin.records() == before)
        }
    }
}

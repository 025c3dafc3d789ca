import FoundationEssentials
import Rig
import Testing

extension EngineTests {
    /// What Docker does with a volume, as docs/operations.md has it.
    @Suite("What Docker does with a volume")
    struct VolumesInDockerTests {
        @Test("E19: docker create mounts a volume where the image has its folder, to fill it, unless told not to copy")
        func e19CopyUp() async throws {
            let plugin = try await SharedEngine.plugin
            let engine = plugin.engine
            for (place, options, mounts, content) in [
                (BusyboxImage.seeded, "", true, "below\nfile"), ("/data", "", true, ""),
                (BusyboxImage.seeded, ",volume-nocopy", false, ""), ("/not/in/the/image", "", false, ""),
            ] {
                let volume = try await plugin.volume("copyup")
                let before = try await plugin.mountsAnswered()
                let container = try await engine.docker(
                    "create", "--network", "none", "--mount",
                    "type=volume,source=\(volume),destination=\(place),volume-driver=\(plugin.name)\(options)",
                    BusyboxImage.name, "true")
                let came = try await plugin.mountsAnswered() - before
                #expect((came > 0) == mounts, "\(place)\(options): \(came)")
                #expect(try await plugin.holdings(of: volume).isEmpty, "a container that does not run has no mount")
                #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
                try await engine.docker("rm", container)
                #expect(try await plugin.run("ls -A /elsewhere", on: volume, at: "/elsewhere") == content)
                try await plugin.remove(volume)
            }
        }

        @Test("E19: docker volume prune and docker system prune --volumes leave the plugin's volumes alone")
        func e19Prune() async throws {
            let plugin = try await SharedEngine.plugin
            let (engine, local) = (plugin.engine, uniqueName("local"))
            let volume = try await plugin.volume("pruned")
            for command in [["volume", "prune", "--force"], ["system", "prune", "--volumes", "--force"]] {
                try await engine.docker("volume", "create", local)
                try await engine.run(command).checked()
                let listed = try await engine.docker("volume", "ls", "--quiet").split(separator: "\n").map(String.init)
                #expect(listed.contains(volume) && !listed.contains(local), "\(command): \(listed)")
            }
            try await plugin.remove(volume)
        }

        @Test("E19: a stopped container protects a volume on its own node only; what is protected is removed nowhere")
        func e19StoppedElsewhere() async throws {
            try await SecondNodeTests.withTwoNodes { here, there in
                let volume = try await here.volume("stopped")
                let stopped = try await there.container(on: volume)
                // To fill it, docker create would have to mount it.
                let mount = "type=volume,source=\(volume),destination=\(BusyboxImage.seeded),volume-driver=\(here.name)"
                let refused = try await here.engine.refusal("create", "--mount", mount, BusyboxImage.name, "true")
                #expect(refused.contains(there.node), "\(refused)")
                let created = try await here.engine.docker(
                    "create", "--mount", mount + ",volume-nocopy", BusyboxImage.name, "true")
                try await here.engine.docker("rm", created)
                try await there.engine.docker("stop", stopped)
                #expect(try await there.engine.refusal("volume", "rm", volume).contains("in use"))
                try await here.engine.docker("volume", "rm", volume)
                #expect(try await there.engine.refusal("start", stopped).contains("no such volume"))
                try await there.engine.docker("rm", stopped)

                let kept = try await here.volume("kept", ["protect=true"])
                for node in [here, there] {
                    let refusal = try await node.engine.refusal("volume", "rm", kept)
                    #expect(refusal.contains("protected") && refusal.contains("volume unprotect \(kept)"), "\(refusal)")
                }
                try await here.unprotect(kept)
                try await here.remove(kept)
                _ = try await there.engine.run(["volume", "inspect", kept])
            }
        }

        @Test("E19: docker-compose down --volumes removes the volumes that the file creates, but for protected ones")
        func e19ComposeDown() async throws {
            let plugin = try await SharedEngine.plugin
            for isProtected in [false, true] {
                let volume = uniqueName("down")
                let lines = [
                    "name: \(volume)", "driver: \(plugin.name):latest", "driver_opts:",
                    "  pool: \(plugin.environment.pool)", "  size: '206'", "  protect: '\(isProtected)'",
                ]
                let file = try ComposeFile(on: plugin.engine, volume: lines)
                try await file.run("up", "--no-start").checked()
                #expect(try await plugin.records().contains("volumes/\(volume)"))
                _ = try await file.run("down", "--volumes")
                #expect(try await plugin.records().contains("volumes/\(volume)") == isProtected)
                if isProtected {
                    try await plugin.unprotect(volume)
                    try await plugin.remove(volume)
                }
            }
        }

        @Test("A larger size of a volume that exists does not reach the plugin: Docker says success, and nothing grows")
        func largerSize() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("larger")
            let size = ["volume", "inspect", "--format", "{{.Status.size}}", volume]
            let create = [
                "volume", "create", "--driver", plugin.name, "--opt", "pool=rbd", "--opt", "Size=1.5G", volume,
            ]
            try await plugin.engine.run(create).checked()
            #expect(try await plugin.engine.run(size).checked().output.contains("206M"))
            try await plugin.remove(volume)
        }

        @Test(
            "A volume POLICY/NAME is created, listed, inspected, used and removed by that name",
            arguments: ["", ":latest"])
        func policyNames(tag: String) async throws {
            let plugin = try await SharedEngine.plugin
            let (engine, pool) = (plugin.engine, plugin.environment.pool)
            let policy = uniqueName("gold")
            try await plugin.upload(policy, #"{"create": {"pool": "\#(pool)", "size": "206M"}}"#)
            let volume = "\(policy)/cache"
            try await engine.docker("volume", "create", "--driver", "wetopi/rbd\(tag)", volume)
            #expect(try await CephRig(plugin.environment).exists("\(policy).cache", in: pool))
            let listed = try await engine.docker("volume", "ls", "--quiet").split(separator: "\n").map(String.init)
            #expect(listed.contains(volume) && !listed.contains("\(policy).cache"), "\(listed)")
            let inspected = try JSONValue(parsing: try await engine.docker("volume", "inspect", volume)).array.first
            #expect(inspected?["Name"] == .string(volume) && inspected?["Status"]?["policy"] == .string(policy))

            let mount = "type=volume,source=\(volume),destination=/data,volume-driver=\(plugin.name)"
            for (number, options) in [["--volume", "\(volume):/data"], ["--mount", mount]].enumerated() {
                let words = ["run", "--rm", "--network", "none"] + options + [BusyboxImage.name, "sh", "-c"]
                let before = (0..<number).map { "\($0)\n" }.joined()
                let answer = try await engine.run(words + ["cat /data/file 2>/dev/null; echo \(number) >>/data/file"])
                #expect(try answer.checked().output == before)
            }
            try await eventually("the volume to be unmounted", within: engine.patience) {
                try await plugin.mountRecord(of: "\(policy).cache") == nil
            }
            try await engine.docker("volume", "rm", volume)
            #expect(try await !CephRig(plugin.environment).exists("\(policy).cache", in: pool))
            try await plugin.operate("policy", "rm", policy)
        }

        @Test("What -o help answers arrives in lines, and no volume is made")
        func helpInLines() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = uniqueName("help")
            let create = ["volume", "create", "--driver", plugin.name]
            for (help, line) in [("help", "  size=SIZE "), ("help=Size", "  size=SIZE")] {
                let answer = try await plugin.engine.run(create + ["--opt", help, volume])
                #expect(!answer.succeeded)
                let lines = answer.error.split(separator: "\n")
                #expect(lines.contains { $0.hasPrefix(line) }, "\(answer.error)")
                let words = answer.error.split { $0.isWhitespace }.joined(separator: " ")
                #expect(words.contains("Default: 512M."), "\(answer.error)")
            }
            #expect(try await plugin.engine.refusal("volume", "inspect", volume).contains("o such volume"))
            #expect(try await !plugin.records().contains("volumes/\(volume)"))
        }

        @Test("E17: what a managed plugin mounts is below a folder that Docker closes to the host's users")
        func e17ClosedByDocker() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("closed")
            let container = try await plugin.container(on: volume)
            let root = plugin.engine.scratch.path + "/data/plugins"
            let mounts = plugin.engine.scratch.kernelState.mounts
            #expect(mounts.contains { $0.mountpoint.hasPrefix(root + "/") && $0.mountpoint.hasSuffix("/\(volume)") })
            let mode = try await runTool("stat", ["--format", "%a %u", root]).checked().output
            #expect(mode == "700 0\n")
            try await plugin.engine.docker("rm", "--force", container)
            try await plugin.remove(volume)
        }
    }
}

extension ManagedPlugin {
    /// How many Mounts the plugin has answered with success.
    fileprivate func mountsAnswered() async throws -> Int {
        let shown = try await client.fetch("/metrics").text
        let line = shown.split(separator: "\n").first {
            $0.hasPrefix("rbd_plugin_operations_total{") && $0.contains("\"mount\"") && $0.contains("\"ok\"")
        }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    fileprivate func unprotect(_ volume: String) async throws { try await operate("volume", "unprotect", volume) }
}

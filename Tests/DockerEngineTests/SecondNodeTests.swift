import Glibc
import Rig
import Testing

extension EngineTests {
    /// Two Docker engines, which are two nodes of one cluster to the plugin: what Docker knows on one of them alone.
    @Suite("A second node")
    struct SecondNodeTests {
        @Test("D7: a Compose file that names an existing volume works again and again, and on every node")
        func d7External() async throws {
            try await Self.withTwoNodes { here, there in
                let volume = uniqueName("compose")
                try await here.engine.docker(
                    "volume", "create", "--driver", "wetopi/rbd:latest", "--opt", "pool=\(here.environment.pool)",
                    "--opt", "size=206", volume)
                try await here.run("echo everywhere >/data/file", on: volume)
                for node in [here, there, here, there] {
                    let file = try ComposeFile(on: node.engine, volume: ["external: true", "name: \(volume)"])
                    for _ in 0..<2 {
                        let up = try await file.upAndDown()
                        #expect(up.succeeded, "\(up.error)")
                        #expect((up.output + up.error).contains("everywhere"), "\(up.output) \(up.error)")
                    }
                }
                try await here.remove(volume)
                _ = try await there.engine.run(["volume", "inspect", volume])
            }
        }

        @Test(
            "D7: a driver without its tag is another one to Compose; with the tag the file works on the node that created"
        )
        func d7Tag() async throws {
            try await Self.withTwoNodes { here, there in
                let options = ["driver_opts:", "  pool: \(here.environment.pool)", "  size: '206'"]
                let (plain, tagged) = (uniqueName("plain"), uniqueName("tagged"))
                let withoutTag = try ComposeFile(
                    on: here.engine, volume: ["name: \(plain)", "driver: wetopi/rbd"] + options)
                _ = try await withoutTag.upAndDown()
                let again = try await withoutTag.upAndDown()
                #expect(!again.succeeded && again.error.contains("different driver"), "\(again.error)")

                let volume = ["name: \(tagged)", "driver: wetopi/rbd:latest"] + options
                let withTag = try ComposeFile(on: here.engine, volume: volume)
                _ = try await withTag.upAndDown()
                try await here.run("echo tagged >/data/file", on: tagged)
                let second = try await withTag.upAndDown()
                #expect(second.succeeded && (second.output + second.error).contains("tagged"), "\(second.error)")
                let elsewhere = try await ComposeFile(on: there.engine, volume: volume).upAndDown()
                #expect(!elsewhere.succeeded && elsewhere.error.contains("differ"), "\(elsewhere.error)")

                for volume in [plain, tagged] {
                    try await here.remove(volume)
                    _ = try await there.engine.run(["volume", "inspect", volume])
                }
            }
        }

        @Test("D8: a volume removed on another node keeps the plugin in use until it is asked for once")
        func d8RemovedElsewhere() async throws {
            try await Self.withTwoNodes { here, there in
                let volume = try await there.volume("elsewhere")
                try await there.run("touch /data/file", on: volume)
                try await here.remove(volume)

                let listed = try await there.engine.docker("volume", "ls", "--quiet")
                #expect(!listed.contains(volume), "a list does not tell which one it is")
                #expect(try await there.engine.refusal("plugin", "disable", there.name).contains("in use"))
                #expect(try await there.engine.refusal("volume", "inspect", volume).contains("o such volume"))
                try await there.engine.docker("plugin", "disable", there.name)
                try await there.enable()
            }
        }

        @Test("D5: Create with other options for a volume that exists never reaches the plugin; Status says what is")
        func d5OtherOptions() async throws {
            try await Self.withTwoNodes { here, there in
                let volume = try await here.volume("wanted")
                for node in [here, there] {
                    try await node.engine.docker(
                        "volume", "create", "--driver", node.name, "--opt", "pool=\(node.environment.pool)", "--opt",
                        "size=412", volume)
                    let size = try await node.engine.docker(
                        "volume", "inspect", "--format", "{{.Status.size}} {{.Status.options.size}}", volume)
                    #expect(size == "206M 206")
                }
                // What does reach it is refused, by naming the option.
                let answer = try await there.client.create(
                    volume, options: ["pool": there.environment.pool, "size": "412"])
                #expect(answer.error.contains("it exists with size=206M"), "\(answer.error)")
                try await here.remove(volume)
                _ = try await there.engine.run(["volume", "inspect", volume])
            }
        }

        @Test("D12: Status shows on every node what is in force, and where the host has the volume")
        func d12Status() async throws {
            // A host with a kernel of its own has this folder; of where it is the plugin learns where the host has its root.
            let modules = "/usr/lib/modules"
            let isMade = mkdir(modules, 0o755) == 0
            defer { if isMade { rmdir(modules) } }
            try await Self.withTwoNodes(settings: ["modules.source=\(modules)"]) { here, there in
                let volume = try await here.volume(
                    "status", ["mount-options=noatime", "mkfs-options=-i 8192", "uid=999", "gid=998", "mode=0750"])
                let container = try await there.container(on: volume)
                for node in [here, there] {
                    let status = try await Self.status(of: volume, on: node)
                    #expect(status["mountOptions"] == ["noatime"] && status["mkfsOptions"] == ["-i", "8192"])
                    #expect(status["rootDirectory"] == ["uid": 999, "gid": 998, "mode": "0750"])
                    #expect(status["options"]?["mode"] == "0750")
                }
                let path = try #require(
                    try await Self.status(of: volume, on: there)["mount"]?["hostMountpoint"]?.string)
                #expect(
                    path == "\(there.engine.scratch.path)/data/plugins/\(try await there.id)/propagated-mount/\(volume)"
                )
                #expect(try await Self.status(of: volume, on: here)["mount"]?["hostMountpoint"] == nil)
                let shown = try await there.engine.docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume)
                #expect(shown == path)
                try await there.exec(container, "echo seen >/data/file")
                #expect(try text(of: path + "/file") == "seen\n")
                try await there.engine.docker("rm", "--force", container)
                try await there.remove(volume)
                _ = try await here.engine.run(["volume", "inspect", volume])
            }
        }

        private static func status(of volume: String, on node: ManagedPlugin) async throws -> JSONValue {
            let printed = try await node.engine.docker("volume", "inspect", "--format", "{{json .Status}}", volume)
            return try JSONValue(parsing: printed)
        }

        static func withTwoNodes(
            settings: [String] = [], _ body: (ManagedPlugin, ManagedPlugin) async throws -> Void
        ) async throws {
            let (package, prefix) = (try await SharedEngine.package, uniqueName("nodes") + "/")
            try await DockerEngine.with { first in
                try await DockerEngine.with { second in
                    let nodes = [first, second].map { ManagedPlugin("wetopi/rbd", in: $0, prefix: prefix) }
                    for node in nodes {
                        try await node.engine.docker("plugin", "create", node.name, package.folder)
                        try await node.set(try node.settings + settings)
                        try await node.enable()
                    }
                    try await body(nodes[0], nodes[1])
                }
            }
        }
    }
}

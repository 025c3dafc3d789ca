import Glibc
import Rig
import Testing

extension EngineTests {
    /// Two Docker engines, which are two nodes of one cluster to the plugin: what Docker knows on one of them alone.
    @Suite("A second node")
    struct SecondNodeTests {
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

        private static func withTwoNodes(
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

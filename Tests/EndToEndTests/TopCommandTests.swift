import FoundationEssentials
import Rig
import Testing

/// `rbd-plugin top` beside a real plugin.
@Suite("What mounted volumes do")
struct TopCommandTests {
    @Test("A volume that is written to comes first, with what it writes, its size, fullness and limits")
    func busy() async throws {
        try await Stage.with { stage in
            // Not ext4, whose kernel writes the tables of inodes after the first mount.
            let idle = try await stage.volume("aidle", ["fstype": "xfs", "size": "320"])
            let busy = try await stage.volume("busy")
            let mountpoint = try await stage.client.mount(busy, id: "a").checked().mountpoint
            try await stage.client.mount(idle, id: "b").checked()
            try await stage.operate("volume", "set", busy, "write-iops=5000").checked()
            // Written to in one piece, and again and again: whenever the two looks are, some of it lies between them.
            async let writing = runTool(
                "sh",
                [
                    "-c",
                    "for i in $(seq 1 400); do dd if=/dev/zero of=\(mountpoint)/f bs=64K count=4 conv=fsync,notrunc 2>/dev/null && sleep 0.02; done",
                ], within: .seconds(120))
            let told = try await top(stage, "--json", "--interval", "2").checked()
            let text = try await top(stage, "--interval", "0.5", "--count", "2").checked().output
            try await writing.checked()

            let report = try JSONValue(parsing: told.output)
            let volumes = report["volumes"]?.array ?? []
            #expect(volumes.map { $0["volume"]?.string } == [busy, idle], "\(told.output)")
            let rates = volumes.first?["rates"]
            #expect(rates?["writtenBytes"]?.double ?? 0 > 4096 && rates?["writes"]?.double ?? 0 > 0, "\(told.output)")
            #expect(rates?["writeMilliseconds"]?.double ?? 0 > 0, "\(told.output)")
            #expect(volumes.first?["limits"]?["write-iops"]?.integer == 5000)
            #expect(volumes.last?["rates"]?["writtenBytes"]?.double ?? .infinity < 100_000, "\(told.output)")
            #expect(try report["at"]?.string.map { try Date($0, strategy: .iso8601) } != nil, "\(told.output)")
            #expect(volumes.allSatisfy { $0["full"]?.double ?? 0 > 0 && $0["size"]?.integer ?? 0 > 0 })
            #expect(report["schema"]?.integer == 1 && report["leftOut"]?.integer == 0)

            let tables = text.split(separator: "\n").filter { $0.hasPrefix("VOLUME ") }
            #expect(tables.count == 2, "\(text)")
            #expect(text.contains("write-iops=5000") && text.contains(idle), "\(text)")
            try await stage.client.unmount(busy, id: "a").checked()
            try await stage.client.unmount(idle, id: "b").checked()
            #expect(try await top(stage, "--interval", "0.1").output == "No volume is mounted on this node.\n")
        }
    }

    @Test("Without a plugin it says so, and an interval that is none is refused")
    func refused() async throws {
        try await Stage.with { stage in
            try await stage.plugin.kill()
            let none = try await top(stage)
            #expect(
                none.status == 1 && none.error.contains("cannot ask the plugin at \(stage.plugin.socket)"), "\(none)")
            #expect(try await top(stage, "--interval", "0").status == 64)
            #expect(try await top(stage, "--count", "-1").status == 64)
        }
    }

    private func top(_ stage: Stage, _ words: String...) async throws -> ToolResult {
        try await runTool(
            try PluginProcess.executable(), ["top", "--socket", stage.plugin.socket] + words, within: .seconds(60))
    }
}

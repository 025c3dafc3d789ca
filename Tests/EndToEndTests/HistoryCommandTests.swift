import FoundationEssentials
import Rig
import Testing

/// `rbd-plugin history` on a real etcd and Ceph.
@Suite("The history of volumes")
struct HistoryCommandTests {
    @Test("A volume's life is told: who made, mounted, protected, resized, lost, unmounted and removed it, and why")
    func life() async throws {
        try await Stage.with(settings: ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]) { stage in
            let name = try await stage.volume("life", ["fstype": "btrfs", "size": "256M"])
            let other = try await stage.volume("other")
            try await stage.client.mount(name, id: "a").checked()
            try await stage.operate(["volume", "protect", name], settings: ["SUDO_USER": "alice"]).checked()
            try await stage.operate("volume", "unprotect", name).checked()
            try await stage.operate("volume", "resize", name, "512M").checked()
            let first = stage.plugin.settings.node
            try await stage.plugin.kill()
            try await stage.withAnotherNode(settings: ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]) { plugin, client in
                try await eventually("the node to be dead", within: .seconds(60)) {
                    try await client.mount(name, id: "b").error.isEmpty
                }
                try await client.unmount(name, id: "b").checked()
                try await client.remove(name).checked()
                let second = plugin.settings.node
                let json = try await stage.operate("history", name, "--json").checked().output
                let entries = try JSONValue(parsing: json).array
                #expect(
                    entries.map { $0["event"]?.string } == [
                        "created", "mounted", "protected", "unprotected", "resize-asked", "resized", "taking-over",
                        "taken-over", "mounted", "unmounted", "removing", "removed",
                    ])
                #expect(entries.map { $0["node"]?.string }.prefix(6).allSatisfy { $0 == first })
                #expect(entries.map { $0["node"]?.string }.suffix(6).allSatisfy { $0 == second })
                #expect(entries[2]["by"] == "alice" && entries[0]["by"] == nil)
                #expect(entries[6]["from"] == .string(first) && entries[6]["to"] == .string(second))
                #expect(entries[6]["why"]?.string?.contains("node \(first) has no heartbeat") == true, "\(entries[6])")
                #expect(entries[5]["from"] == "256M" && entries[5]["to"] == "512M")
                let table = try await stage.operate("history").checked().output
                #expect(table.hasPrefix("TIME"))
                #expect(table.contains("began to take it from \(first) (epoch 2)"))
                #expect(table.contains("  \(other)  "))
            }
        }
    }

    @Test("A Mount that fails says why, and the history follows what happens")
    func follow() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("follow")
            try await stage.ceph.rbd("rm", "--no-progress", stage.image(name))
            let failed = try await stage.client.mount(name, id: "a")
            #expect(!failed.error.isEmpty)
            let file = stage.plugin.scratch.path + "/history"
            let own = stage.plugin.settings.variables(
                for: stage.environment, stateFolder: stage.plugin.stateFolder)
            let following = try SpawnedProcess(
                try PluginProcess.executable(), ["history", "--follow", "--json", name], environment: own, log: file)
            try await eventually("the past") { try lines(of: file).count == 2 }
            try await stage.client.remove(name).checked()
            try await eventually("what comes") { try lines(of: file).count == 4 }
            following.signal(15)
            _ = try await following.waitForEnd()
            let entries = try lines(of: file)
            #expect(
                entries.map { $0["event"]?.string } == ["created", "mount-undone", "removing", "removed"])
            #expect(entries[1]["why"]?.string?.isEmpty == false)
        }
    }

    private func lines(of file: String) throws -> [JSONValue] {
        let text = FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    @Test("What is older than HISTORY_KEEP goes when a plugin starts; with 0 nothing is told")
    func kept() async throws {
        try await Stage.with(settings: ["HISTORY_KEEP": "30d"], started: false) { stage in
            let old = "\(stage.prefix).history/2020-01-01T00:00:00Z/\(stage.plugin.settings.node)/t/old"
            try await stage.etcd.put(old, "{}")
            try await stage.plugin.start()
            try await eventually("the old entry to go") { try await stage.etcd.value(of: old) == nil }
        }
        try await Stage.with(settings: ["HISTORY_KEEP": "0"]) { stage in
            _ = try await stage.volume("silent")
            #expect(try JSONValue(parsing: try await stage.operate("history", "--json").checked().output) == [])
        }
    }
}

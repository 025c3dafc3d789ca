import FoundationEssentials
import Rig
import Testing

/// Settings of all nodes, which plugins follow while they run.
@Suite("The command for settings of all nodes")
struct GlobalCommandTests {
    private func upload(_ stage: Stage, _ text: String) async throws -> ToolResult {
        let folder = try TemporaryFolder.make("global")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(text, to: folder + "/global.json")
        return try await stage.operate(["global", "upload"], reading: folder + "/global.json")
    }

    @Test("How much is logged changes on all nodes without a restart, and goes back to each node's own setting")
    func logLevel() async throws {
        try await Stage.with(settings: ["LOG_LEVEL": "warn"]) { stage in
            try await stage.withAnotherNode(settings: ["LOG_LEVEL": "info"]) { other, client in
                #expect(!stage.plugin.log.contains("call done") && !other.log.contains("call done"))
                let set = try await stage.operate("global", "set", "LOG_LEVEL=3").checked()
                #expect(set.output == "Set for all nodes: log-level=debug.\n", "\(set.output)")
                try await expectCallsLogged(stage.plugin, stage.client)
                try await expectCallsLogged(other, client)
                #expect(try await stage.operate("global", "get").checked().output.contains("debug"))

                try await stage.operate("global", "set", "log-level=").checked()
                #expect(try await stage.etcd.value(of: "\(stage.prefix)global") == nil)
                try await expectNoCallsLogged(stage.plugin, stage.client)
                try await expectNoCallsLogged(other, client)
            }
        }
    }

    private func expectCallsLogged(_ plugin: PluginProcess, _ client: PluginClient) async throws {
        try await eventually("\(plugin.settings.node) to log each call") {
            try await client.list().checked()
            return plugin.log.contains("call done")
        }
        #expect(plugin.log.contains("following the settings for all nodes"))
    }

    private func expectNoCallsLogged(_ plugin: PluginProcess, _ client: PluginClient) async throws {
        try await eventually("\(plugin.settings.node) to log no call that is in order any more") {
            let mark = plugin.log.utf8.count
            try await client.list().checked()
            // Lines are written in their order: the failure of this call is told at any level.
            _ = try await client.create(uniqueName("bad"), options: ["colour": "\(mark)"])
            try await eventually("the failed call to be logged") { news(plugin, mark).contains("call failed") }
            return !news(plugin, mark).contains("call done")
        }
    }

    /// What a plugin has logged since.
    private func news(_ plugin: PluginProcess, _ mark: Int) -> String {
        String(decoding: plugin.log.utf8.dropFirst(mark), as: UTF8.self)
    }

    @Test("A time limit for all nodes that does not go with a node's own settings is left, and told with the reason")
    func timeLimits() async throws {
        let own = ["ETCD_TIMEOUT": "3s", "CEPH_TIMEOUT": "4s", "MOUNT_WAIT": "2s", "NODE_TTL": "15s"]
        try await Stage.with(settings: own) { stage in
            try await stage.operate("global", "set", "operation-timeout=8s", "mount-wait=1s").checked()
            try await eventually("the plugin to follow") {
                stage.plugin.log.contains("operation-timeout=8s mount-wait=1s")
            }
            #expect(!stage.plugin.log.contains("do not go with this node's own"))
            try await stage.operate("global", "set", "operation-timeout=6s").checked()
            try await eventually("the plugin to say that this cannot be") {
                stage.plugin.log.contains("do not go with this node's own")
            }
            #expect(stage.plugin.log.contains("together must be less than OPERATION_TIMEOUT (6s)"))
            try await stage.client.list().checked()
        }
    }

    @Test(
        "volplugin's settings are taken, what cannot change is said with where to set it, and a slip names the nearest")
    func upload() async throws {
        try await Stage.with(started: false) { stage in
            let done = try await upload(stage, #"{"TTL": 60, "Debug": true, "Timeout": 1, "MountPath": "/mnt/ceph"}"#)
                .checked()
            for words in [
                "'Debug' is read as log-level=debug", "'Timeout' is read as operation-timeout=60s", "NODE_TTL",
                "--mount-root", "Set for all nodes: log-level=debug operation-timeout=60s.",
                "Docker gives up after 30 s",
            ] {
                #expect(done.output.contains(words), "\(words): \(done.output)")
            }
            let record = try #require(try await stage.etcd.json(of: "\(stage.prefix)global"))
            #expect(record["log-level"] == "debug" && record["operation-timeout"] == "60s" && record["schema"] == 1)
            let shown = try await stage.operate("global", "get").checked().output
            #expect(!shown.contains("schema") && !shown.contains("write"))
            #expect(try await upload(stage, shown).checked().output.contains("Nothing changes"))

            for (text, words) in [
                (#"{"Tmeout": 5}"#, "did you mean 'Timeout'?"), ("nonsense", "it is no JSON"),
                (#"{"mount-wait": "1h"}"#, "a time from 0s to 100s"),
            ] {
                let refused = try await upload(stage, text)
                #expect(refused.status == 1 && refused.error.contains(words), "\(refused)")
            }
            let slip = try await stage.operate("global", "set", "log-levle=info")
            #expect(slip.status != 0 && slip.error.contains("did you mean 'log-level'?"), "\(slip)")
            #expect(try await stage.etcd.json(of: "\(stage.prefix)global") == record)
            try await upload(stage, "{}").checked()
            try await stage.expectBlank("nothing is set")
        }
    }

    @Test("A record that cannot be read changes nothing, and is told of once")
    func unreadable() async throws {
        try await Stage.with(settings: ["LOG_LEVEL": "warn"]) { stage in
            try await stage.operate("global", "set", "log-level=debug").checked()
            try await eventually("the plugin to follow") { stage.plugin.log.contains("log-level=debug") }
            try await stage.etcd.put("\(stage.prefix)global", #"{"log-level":"loud","schema":1}"#)
            try await eventually("the plugin to tell of it") { stage.plugin.log.contains("\(stage.prefix)global") }
            let mark = stage.plugin.log.utf8.count
            try await stage.client.list().checked()
            try await eventually("the plugin to go on logging each call") {
                news(stage.plugin, mark).contains("call done")
            }
            let refused = try await stage.operate("global", "get")
            #expect(refused.status == 1 && refused.error.contains("\(stage.prefix)global"), "\(refused)")
            try await stage.operate("volume", "ls").checked()
        }
    }
}

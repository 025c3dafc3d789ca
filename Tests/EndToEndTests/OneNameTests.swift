import Rig
import Testing

/// A second host with the same NODE_NAME, such as a cloned machine.
@Suite struct OneNameTests {
    private static let settings = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]

    /// Another host's heartbeat: a key on a lease that does not run out during the test.
    private func anotherBoot(_ stage: Stage) async throws -> String {
        let granted = try await stage.etcd.etcdctl("lease", "grant", "600")
        let lease = try #require(granted.split(separator: " ").dropFirst().first.map(String.init))
        let record = """
            {"boot":"00000000-1111-2222-3333-444444444444","node":"\(stage.plugin.settings.node)","schema":1,\
            "since":"2026-01-01T00:00:00Z","version":"9.9"}
            """
        try await stage.etcd.etcdctl("put", "--lease=\(lease)", key(stage), record)
        return lease
    }

    private func key(_ stage: Stage) -> String { "\(stage.prefix)nodes/\(stage.plugin.settings.node)" }

    @Test("B4: a plugin whose name another living host has touches nothing, says who it is, and works once it is free")
    func b4SecondHostRefusesToWork() async throws {
        try await Stage.with(settings: Self.settings, started: false) { stage in
            // What the other host has mounted. A plugin of this name that starts would fence it.
            let lease = try await anotherBoot(stage)
            let mounted = """
                {"clients":["10.1.2.3:0/42"],"epoch":1,"mountIDs":{"a":1},"owner":{"boot":\
                "00000000-1111-2222-3333-444444444444","node":"\(stage.plugin.settings.node)"},"schema":1,\
                "since":"","state":"attached","volumeUID":"u"}
                """
            try await stage.etcd.put("\(stage.prefix)mounts/theirs", mounted)
            try await stage.plugin.start()
            try await eventually("the plugin to give up", within: .seconds(60)) {
                let refused = try await stage.client.mount("theirs", id: "b")
                return refused.error.contains("another host uses the name")
            }
            for answer in [
                try await stage.client.create("new", options: stage.options()),
                try await stage.client.mount("theirs", id: "b"), try await stage.client.remove("theirs"),
            ] {
                for word in [stage.plugin.settings.node, "00000000-1111", "9.9", "2026-01-01", "NODE_NAME"] {
                    #expect(answer.error.contains(word), "\(answer.error)")
                }
            }
            let health = try await stage.client.fetch("/healthz")
            #expect(health.status == 503)
            #expect(health.text.contains("another host uses the name"))
            try await stage.client.list().checked()
            #expect(try await stage.etcd.value(of: "\(stage.prefix)mounts/theirs") == mounted)
            #expect(try await stage.etcd.value(of: key(stage))?.contains("00000000-1111") == true)
            #expect(try await stage.etcd.keys(stage.prefix).contains { $0.contains("volumes/") } == false)

            try await stage.etcd.delete(prefix: "\(stage.prefix)mounts/")
            try await stage.etcd.etcdctl("lease", "revoke", lease)
            try await eventually("the plugin to be healthy") {
                try await stage.client.fetch("/healthz").status == 200
            }
            let name = try await stage.volume("free")
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("B4: a plugin that has ended in good order with nothing mounted leaves its name free")
    func b4NameIsGivenBack() async throws {
        try await Stage.with(settings: Self.settings) { stage in
            let name = try await stage.volume("idle")
            #expect(try await stage.etcd.value(of: key(stage)) != nil)
            try await stage.plugin.terminate()
            #expect(try await stage.etcd.value(of: key(stage)) == nil)
            try await stage.plugin.start()
            try await stage.client.mount(name, id: "a").checked()
            try await stage.plugin.terminate()
            #expect(try await stage.etcd.value(of: key(stage)) != nil, "a node with mounts keeps its name")
            try await stage.plugin.start()
            try await stage.client.unmount(name, id: "a").checked()
        }
    }
}

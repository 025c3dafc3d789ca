import Rig
import Testing

/// A volume that was removed and created anew, while a device of the old image is still here.
@Suite("Devices of another image that has had the name")
struct NamesakeTests {
    private static let settings: [String: String?] = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]

    @Test("A2: a volume that was removed and created anew elsewhere is not mounted from the old image's device")
    func a2TheOldImagesDeviceIsNotMounted() async throws {
        try await Stage.with(settings: Self.settings) { stage in
            let (client, name) = (stage.client, try await stage.volume("anew"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await Self.writeSynced("of the old image", to: mountpoint + "/file")
            let former = try #require(
                try await stage.ceph.watchers(of: name, in: "\(stage.pool)/\(stage.namespace)").first)
            try await stage.withAnotherNode(settings: Self.settings) { _, other in
                // The mapping outlives its plugin.
                try await stage.plugin.kill()
                _ = try await other.mountAtLast(name, id: "b", within: .seconds(60))
                try await other.unmount(name, id: "b").checked()
                try await other.remove(name).checked()
                try await other.create(name, options: stage.options()).checked()
                // An operator clears what looks like a thing of the past.
                try await stage.ceph.ceph("osd", "blocklist", "rm", former)

                try await stage.plugin.start()
                #expect(try await client.mount(name, id: "c").checked().mountpoint == mountpoint)
                #expect(!exists(mountpoint + "/file"))
                try await Self.writeSynced("of the new one", to: mountpoint + "/file")
                #expect(stage.plugin.kernelState.exports.count == 1, "\(stage.plugin.kernelState)")
                try await client.unmount(name, id: "c").checked()
                #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
                let there = try await other.mount(name, id: "d").checked().mountpoint
                #expect(try text(of: there + "/file") == "of the new one")
                try await other.unmount(name, id: "d").checked()
            }
            try await client.remove(name).checked()
        }
    }

    private static func writeSynced(_ text: String, to path: String) async throws {
        try write(text, to: path)
        try await runTool("sync", [path]).checked()
    }
}

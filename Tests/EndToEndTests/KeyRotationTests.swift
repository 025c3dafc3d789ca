import Foundation
import Rig
import Testing

/// The Ceph user's key is exchanged while the plugin runs.
@Suite("A new key of the Ceph user")
struct KeyRotationTests {
    @Test("The plugin takes it up from its file without a restart, and a mounted volume goes on")
    func rotation() async throws {
        let rig = try RigEnvironment.required()
        let ceph = CephRig(rig)
        let user = uniqueName("rotated")
        let folder = try ScratchFolder("key", of: rig)
        let (file, keyring) = (folder.path + "/key", folder.path + "/keyring")
        /// Makes a key and gives it to the cluster.
        func exchange() async throws -> String {
            let key = try await runTool("ceph-authtool", ["--gen-print-key"]).checked().output
                .trimmingCharacters(in: .whitespacesAndNewlines)
            try write(
                "[client.\(user)]\n\tkey = \(key)\n\tcaps mon = \"profile rbd\"\n\tcaps osd = \"profile rbd\"\n",
                to: keyring)
            try await ceph.ceph("auth", "import", "-i", keyring)
            return key
        }
        try write(try await exchange(), to: file)
        let settings = ["RBD_CONF_KEYRING_USER": user, "RBD_CONF_KEYRING_KEY_FILE": file]
        try await Stage.with(settings: settings) { stage in
            let (client, before) = (stage.client, try await stage.volume("before"))
            let mountpoint = try await client.mount(before, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")

            let key = try await exchange()
            try write(key, to: file)
            try await eventually("the plugin to take up the key") {
                stage.plugin.log.contains("took up a new key of the Ceph user")
            }
            try write("and more", to: mountpoint + "/other")
            #expect(try text(of: mountpoint + "/file") == "kept")
            let after = try await stage.volume("after")
            try await client.mount(after, id: "b").checked()
            for (volume, id) in [(after, "b"), (before, "a")] {
                try await client.unmount(volume, id: id).checked()
                try await client.remove(volume).checked()
            }
            #expect(!stage.plugin.log.contains(key))
        }
        try await ceph.ceph("auth", "rm", "client.\(user)")
        try await folder.sweep()
    }
}

import FoundationEssentials
import Glibc
import Rig
import Testing

/// The plugin is started without the notes of its mappings: its state folder was lost, or another one is used.
@Suite("A state folder that is lost")
struct LostStateTests {
    @Test(
        "A1: an Unmount leaves no client behind that could write and that no record names",
        arguments: ["layering", "layering,exclusive-lock"])
    func a1AnUnmountLeavesNoClientBehind(_ features: String) async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("lost", ["features": features]))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            let record = try #require(try await stage.mountRecord(of: name))
            let writer = try #require(record["clients"]?.array.first?.string)
            try await stage.loseState()

            try await client.unmount(name, id: "a").checked()
            #expect(try await stage.mountRecord(of: name) == nil)
            #expect(try await stage.isBlocklisted(writer))
            let namespace = "\(stage.pool)/\(stage.namespace)"
            try await eventually("the client to be thrown out") {
                try await stage.ceph.watchers(of: name, in: namespace).isEmpty
            }
            try await stage.withAnotherNode { _, other in
                let elsewhere = try await other.mount(name, id: "b").checked().mountpoint
                let kept = try text(of: elsewhere + "/file")
                #expect(kept == "kept")
                try await other.unmount(name, id: "b").checked()
            }
        }
    }

    @Test("A1: while something uses the device, an Unmount is busy and the record stays")
    func a1AnUnmountIsBusyWhileTheDeviceIsUsed() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("used"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            let record = try #require(try await stage.mountRecord(of: name))
            let writer = try #require(record["clients"]?.array.first?.string)
            let elsewhere = stage.plugin.mountRoot + "/container"
            try await runTool("mkdir", [elsewhere]).checked()
            try await runTool("mount", ["--bind", mountpoint, elsewhere]).checked()
            try await stage.loseState()

            let refused = try await client.unmount(name, id: "a")
            #expect(refused.error.contains("is in use") && refused.error.contains("RBD_STATE_DIR"), "\(refused.error)")
            #expect(try await stage.mountRecord(of: name)?["clients"]?.array.first?.string == writer)
            #expect(try await !stage.isBlocklisted(writer))
            try write("still here", to: elsewhere + "/file")
            try await runTool("umount", [elsewhere]).checked()
            try await eventually("the reconciler to let go") { try await stage.mountRecord(of: name) == nil }
            #expect(try await stage.isBlocklisted(writer))
        }
    }

    @Test("A3: a paused client that holds the lock of an image, and that no record names, is shut out for good")
    func a3APausedLockOwnerIsShutOutForGood() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("paused"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            try await runTool("sync", ["--file-system", mountpoint]).checked()
            let record = try #require(try await stage.mountRecord(of: name))
            let writer = try #require(record["clients"]?.array.first?.string)
            // The node freezes, and etcd is put back to where nobody had the volume.
            try await stage.plugin.kill()
            let daemons = stage.plugin.kernelState.exports
            for daemon in daemons { kill(daemon.pid, SIGSTOP) }
            defer { for daemon in daemons { kill(daemon.pid, SIGCONT) } }
            try await stage.etcd.delete(prefix: "\(stage.prefix)mounts/\(name)")
            let namespace = "\(stage.pool)/\(stage.namespace)"
            try await eventually("the watch to end", within: .seconds(60)) {
                try await stage.ceph.watchers(of: name, in: namespace).isEmpty
            }

            try await stage.withAnotherNode { _, other in
                let elsewhere = try await other.mount(name, id: "b").checked().mountpoint
                #expect(try text(of: elsewhere + "/file") == "kept")
                let year = String(2026 + 5)
                let listed = try await stage.ceph.ceph("osd", "blocklist", "ls")
                let entry = try #require(listed.split(separator: "\n").first { $0.hasPrefix(writer) })
                #expect(entry.split(separator: " ").last.map { $0 > year } == true, "\(entry)")
                try await other.unmount(name, id: "b").checked()
            }
        }
    }

    @Test("B1: a Mount after an Unmount that failed is not undone by it")
    func b1AMountIsNotUndoneByAnEarlierUnmount() async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig) { stage in
                let (client, name) = (stage.client, try await stage.volume("again"))
                let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
                try write("before", to: mountpoint + "/file")
                try await stage.ceph.osd.disturbed(by: .pause) {
                    let failed = try await client.unmount(name, id: "a")
                    #expect(!failed.succeeded)
                }
                try await eventually("the volume to be mounted again") {
                    try await client.mount(name, id: "a").succeeded
                }
                // Four rounds of the reconciler.
                for _ in 1...40 {
                    #expect(stage.plugin.kernelState.mount(at: mountpoint) != nil)
                    try await Task.sleep(for: .milliseconds(200))
                }
                let ids = try await stage.mountRecord(of: name)?["mountIDs"]
                #expect(ids == ["a": 1], "\(String(describing: ids))")
                try await client.unmount(name, id: "a").checked()
                #expect(try await stage.mountRecord(of: name) == nil)
            }
        }
    }
}

extension Stage {
    /// Starts the plugin anew with an empty state folder.
    fileprivate func loseState() async throws {
        try await plugin.terminate()
        try await runTool("mv", [plugin.stateFolder, plugin.stateFolder + ".lost"]).checked()
        try await runTool("mkdir", [plugin.stateFolder]).checked()
        try await plugin.start()
    }

    fileprivate func isBlocklisted(_ client: String) async throws -> Bool {
        try await ceph.ceph("osd", "blocklist", "ls").contains(client)
    }
}

import Rig
import Testing

/// Volumes that any number of nodes read at once, on real Ceph and etcd.
@Suite("Shared volumes")
struct SharedVolumeTests {
    @Test(
        "Two nodes have a volume mounted at once and read what a snapshot holds; the kernel refuses every write, and a Remove is refused by name until both are done",
        arguments: ["ext4", "xfs"])
    func twoNodes(filesystem: String) async throws {
        try await Stage.with { stage in
            let size = filesystem == "ext4" ? "64" : "300"
            let parent = try await stage.volume("parent", ["fstype": filesystem, "size": size])
            let own = try await stage.client.mount(parent, id: "w").checked().mountpoint
            try write("monday", to: own + "/file")
            try await stage.operate("snapshot", "create", parent, "monday").checked()
            try write("tuesday", to: own + "/file")

            let audit = uniqueName("audit")
            // Both nodes of this test are one kernel, which mounts a filesystem of xfs once only, by its UUID.
            let options = ["from": parent, "from-snapshot": "monday", "access": "read-only"].merging(
                filesystem == "xfs" ? ["mount-options": "nouuid"] : [:]
            ) { $1 }
            try await stage.client.create(audit, options: options).checked()
            #expect(
                try await stage.record(of: audit)?["schema"] == .integer(2), "for no version that would write to it")
            try await stage.withAnotherNode { there, other in
                async let first = stage.client.mount(audit, id: "a").checked().mountpoint
                async let second = other.mount(audit, id: "b").checked().mountpoint
                let mounts = try await [(stage.plugin, first), (there, second)]
                for (plugin, mountpoint) in mounts {
                    try await expectReadOnly(plugin, mountpoint, "monday")
                }
                try write("wednesday", to: own + "/file")
                #expect(try text(of: mounts[1].1 + "/file") == "monday")
                try await expectShown(stage, audit, there)

                for (client, node) in [(stage.client, stage.plugin.settings.node), (other, there.settings.node)] {
                    let refused = try await client.remove(audit)
                    #expect(
                        refused.error.contains(node) && !refused.error.contains("mount release"), "\(refused.error)")
                }
                // One more container, and one less.
                try await other.mount(audit, id: "c").checked()
                try await other.unmount(audit, id: "b").checked()
                try await stage.client.unmount(audit, id: "a").checked()
                #expect(try text(of: mounts[1].1 + "/file") == "monday")
                #expect(try await stage.client.remove(audit).error.contains(there.settings.node))
                try await other.unmount(audit, id: "c").checked()
                #expect(there.kernelState.isEmpty, "\(there.kernelState)")
                #expect(try await stage.etcd.keys("\(stage.prefix)readers/") == [])
                try await stage.client.remove(audit).checked()
            }
            try await stage.client.unmount(parent, id: "w").checked()
            try await eventually("the parent to be free", within: .seconds(60)) {
                _ = try await stage.operate("snapshot", "rm", parent, "monday")
                return try await stage.client.remove(parent).succeeded
            }
            try await stage.expectBlank()
        }
    }

    /// The files are there, and neither files nor the device itself can be written to.
    private func expectReadOnly(_ plugin: PluginProcess, _ mountpoint: String, _ content: String) async throws {
        #expect(try text(of: mountpoint + "/file") == content)
        let mount = try #require(plugin.kernelState.mount(at: mountpoint))
        #expect(mount.options.contains("ro"), "\(mount.options)")
        let touched = try await runTool("touch", [mountpoint + "/other"])
        #expect(!touched.succeeded && touched.error.contains("Read-only file system"), "\(touched.error)")
        #expect(try await runTool("blockdev", ["--getro", mount.source]).checked().output == "1\n")
        let written = try await runTool(
            "dd", ["if=/dev/zero", "of=\(mount.source)", "bs=4096", "count=1", "oflag=direct", "conv=notrunc"])
        #expect(!written.succeeded, "\(written.error)")
    }

    /// Operators see both nodes, on whichever they ask.
    private func expectShown(_ stage: Stage, _ audit: String, _ there: PluginProcess) async throws {
        let nodes = [stage.plugin.settings.node, there.settings.node]
        let list = try await stage.operate("mount", "ls").checked().output
        for node in nodes { #expect(list.contains(node), "\(list)") }
        let status = try #require(try await stage.client.get(audit).checked().volume?.status)
        #expect(status["access"]?.string == "read-only" && status["mount"]?["node"]?.string == nodes[0])
        #expect(status["readByOthers"]?.array.compactMap(\.string) == [nodes[1]])
        let released = try await stage.operate("mount", "release", audit, "--yes")
        #expect(released.error.contains("nobody has to be shut out"), "\(released.error)")
    }

    @Test(
        "A reader that dies strands nothing: others mount at once, it finds its mount again, and dead for good it keeps no Remove"
    )
    func deadReader() async throws {
        try await Stage.with(settings: ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]) { stage in
            let parent = try await stage.volume("parent")
            let audit = uniqueName("audit")
            try await stage.client.create(audit, options: ["from": parent, "access": "read-only"]).checked()
            try await stage.withAnotherNode(settings: ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]) { there, other in
                let mountpoint = try await other.mount(audit, id: "a").checked().mountpoint
                try await there.kill()
                try await stage.client.mount(audit, id: "b").checked()
                try await there.start()
                #expect(try await other.mount(audit, id: "c").checked().mountpoint == mountpoint)
                #expect(there.kernelState.loopDevices.count <= 1, "\(there.kernelState)")
                try await other.unmount(audit, id: "c").checked()
                try await stage.client.unmount(audit, id: "b").checked()
                // The host dies with all that it has mapped.
                let refused = try await stage.client.remove(audit)
                #expect(refused.error.contains(there.settings.node), "\(refused.error)")
                try await there.end()
                #expect(try await stage.etcd.keys("\(stage.prefix)readers/") == ["\(stage.prefix)readers/\(audit)"])
                try await eventually("the volume to be removable", within: .seconds(90)) {
                    try await stage.client.remove(audit).succeeded
                }
            }
            #expect(try await stage.etcd.keys("\(stage.prefix)readers/") == [])
            try await eventually("the parent to be free", within: .seconds(60)) {
                try await stage.client.remove(parent).succeeded
            }
            try await stage.expectBlank()
        }
    }

    @Test("What a shared volume cannot be is refused by name, and nothing ever writes to it")
    func refused() async throws {
        try await Stage.with { stage in
            let parent = try await stage.volume("parent", ["size": "64"])
            let options = ["from": parent, "access": "read-only"]
            for (wrong, words) in [("size", "128"), ("features", "layering"), ("access", "append-only")] {
                let answer = try await stage.client.create(
                    uniqueName("no"), options: options.merging([wrong: words]) { $1 })
                #expect(answer.error.contains(wrong), "\(answer.error)")
            }
            let audit = uniqueName("audit")
            try await stage.client.create(audit, options: options).checked()
            try await stage.client.create(audit, options: options).checked()
            let other = try await stage.client.create(audit, options: ["from": parent, "access": "read-write"])
            #expect(other.error.contains("access=read-only"), "\(other.error)")
            try await stage.operate("snapshot", "create", audit, "s").checked()
            for command in [
                ["volume", "resize", audit, "1G"], ["snapshot", "rollback", audit, "s", "--yes"],
                ["volume", "trim", audit],
            ] {
                let answer = try await stage.operate(command)
                #expect(!answer.succeeded && answer.error.contains("read"), "\(command): \(answer.error)")
            }
            try await stage.operate("snapshot", "rm", audit, "s").checked()
            for volume in [audit, parent] {
                try await eventually("\(volume) to be removed", within: .seconds(60)) {
                    try await stage.client.remove(volume).succeeded
                }
            }
            try await stage.expectBlank()
        }
    }
}

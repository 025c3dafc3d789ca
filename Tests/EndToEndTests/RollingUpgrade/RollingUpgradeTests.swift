import FoundationEssentials
import Rig
import SystemPackage
import Testing

/// A cluster is upgraded node by node. Meanwhile nodes of the version that was released last share all volumes with nodes of
/// this version.
@Suite("A rolling upgrade") struct RollingUpgradeTests {
    @Test(
        "Volumes go to and fro between the versions, and only one node has one at a time", arguments: Upgrade.allCases)
    func toAndFro(_ upgrade: Upgrade) async throws {
        try await MixedCluster.with { cluster in
            let (first, second) = cluster.nodes(upgrade)
            let (stage, name) = (cluster.stage, uniqueName("to-and-fro"))
            try await first.client.create(name, options: stage.options()).checked()
            try await eventually("the other node to list the volume") {
                try await second.client.list().checked().volumes?.map(\.name) == [name]
            }

            let there = try await second.client.mount(name, id: "a").checked().mountpoint
            try write("second", to: there + "/second")
            let refused = try await first.client.mount(name, id: "b")
            #expect(refused.error.contains(second.name), "\(refused.error)")
            #expect(try await first.client.remove(name).error.contains(second.name))
            #expect(first.plugin.kernelState.isEmpty, "\(first.plugin.kernelState)")
            #expect(try await stage.mountRecord(of: name)?["owner"]?["node"]?.string == second.name)
            // The question has cost the owner nothing: it counts, and lets go, as before.
            try await second.client.mount(name, id: "c").checked()
            try await second.client.unmount(name, id: "c").checked()
            try await second.client.unmount(name, id: "a").checked()
            #expect(try await stage.mountRecord(of: name) == nil)

            let here = try await first.client.mount(name, id: "b").checked().mountpoint
            #expect(try text(of: here + "/second") == "second")
            try write("first", to: here + "/first")
            #expect(try await second.client.mount(name, id: "d").error.contains(first.name))
            try await first.client.unmount(name, id: "b").checked()

            let again = try await second.client.mount(name, id: "e").checked().mountpoint
            #expect(try text(of: again + "/first") == "first")
            try await second.client.unmount(name, id: "e").checked()
            try await stage.expectSoundFilesystem(name, after: "mounts by both versions")
            #expect(try await cluster.writers(of: name) == [], "nobody has it")
            try await second.client.remove(name).checked()
            try await stage.expectBlank("removed by the version that had not made it")
        }
    }

    @Test("Creates of one name on both versions at once all succeed, and make one volume")
    func racingCreates() async throws {
        try await MixedCluster.with { cluster in
            let (stage, name) = (cluster.stage, uniqueName("race"))
            let clients = [cluster.old, cluster.new, cluster.old, cluster.new].map(\.client)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in clients {
                    group.addTask { try await client.create(name, options: stage.options()).checked() }
                }
                try await group.waitForAll()
            }
            #expect(try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)") == [name])
            for node in [cluster.new, cluster.old] {
                try await node.client.mount(name, id: "a").checked()
                try await node.client.unmount(name, id: "a").checked()
            }
            try await cluster.old.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("A Create of a striped volume that broke off is left to this version, which makes the stripes")
    func stripes() async throws {
        let killSwitch = try KillSwitch()
        try await MixedCluster.with(settings: killSwitch.settings) { cluster in
            let (stage, name) = (cluster.stage, uniqueName("striped"))
            let options = stage.options(["stripe-unit": "64K", "stripe-count": "4"])
            let recorded = KillPoint(line: "Create: record volume creating", count: 1)
            try await cluster.new.plugin.killed(at: recorded, killSwitch) {
                _ = try await cluster.new.client.create(name, options: options)
            }
            try await stage.endHeartbeat(of: cluster.new.name)
            #expect(try await stage.record(of: name)?["phase"] == "creating")

            let refused = try await cluster.old.client.create(name, options: stage.options())
            #expect(refused.error.contains("newer version"), "\(refused.error)")
            #expect(try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)") == [])
            try await cluster.new.start()
            try await cluster.new.client.create(name, options: options).checked()
            #expect(try await stage.imageInfo(of: name)["stripe_count"] == 4)
            // From then on either version has it.
            try await cluster.old.client.mount(name, id: "a").checked()
            try await cluster.old.client.unmount(name, id: "a").checked()
            try await cluster.new.client.remove(name).checked()
            try await stage.expectBlank()
        }
        try await killSwitch.sweep()
    }

    @Test("A volume that is to be rolled back is left alone by the older version until that is done")
    func rollBack() async throws {
        try await MixedCluster.with { cluster in
            let (stage, name) = (cluster.stage, uniqueName("held"))
            try await cluster.new.client.create(name, options: stage.options()).checked()
            try await stage.operate("snapshot", "create", name, "s").checked()
            try await cluster.new.plugin.kill()
            try await stage.operate("snapshot", "rollback", name, "s", "--yes", "--no-wait").checked()
            let refused = try await cluster.old.client.mount(name, id: "a")
            #expect(refused.error.contains("newer version"), "\(refused.error)")
            try await cluster.new.start()
            try await eventually("the volume to be rolled back", within: .seconds(90)) {
                try await stage.operate("request", "get", name).checked().output.contains("\"done\"")
            }
            try await cluster.old.client.mount(name, id: "a").checked()
            try await cluster.old.client.unmount(name, id: "a").checked()
            try await stage.operate("request", "rm", name).checked()
            try await stage.operate("snapshot", "rm", name, "s").checked()
            try await cluster.new.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("A volume that many nodes read is left alone by the older version, which loses nothing of it")
    func shared() async throws {
        try await MixedCluster.with { cluster in
            let (stage, parent, name) = (cluster.stage, uniqueName("parent"), uniqueName("audit"))
            _ = try await cluster.mounted(parent, on: cluster.old)
            try await cluster.old.client.unmount(parent, id: "a").checked()
            try await cluster.new.client.create(name, options: ["from": parent, "access": "read-only"]).checked()
            let there = try await cluster.new.client.mount(name, id: "a").checked().mountpoint
            let keys = ["volumes/", "readers/"].map { stage.prefix + $0 + name }
            let before = try await [stage.etcd.json(of: keys[0]), stage.etcd.json(of: keys[1])]
            #expect(!before.contains(nil))

            for refused in [
                try await cluster.old.client.mount(name, id: "b"), try await cluster.old.client.remove(name),
                try await cluster.old.client.create(name, options: stage.options()),
            ] { #expect(refused.error.contains("newer version"), "\(refused.error)") }
            // Nor as it starts, or while it works on other volumes.
            try await cluster.old.plugin.kill()
            try await cluster.old.start()
            try await cluster.old.client.mount(parent, id: "b").checked()
            try await cluster.old.client.unmount(parent, id: "b").checked()
            #expect(try await [stage.etcd.json(of: keys[0]), stage.etcd.json(of: keys[1])] == before)
            #expect(try await stage.mountRecord(of: name) == nil)
            #expect(try text(of: there + "/file") == "from before")
            #expect(try await !cluster.old.client.remove(parent).succeeded, "its clone needs it")

            try await cluster.new.client.unmount(name, id: "a").checked()
            for volume in [name, parent] {
                try await eventually("\(volume) to be removed", within: .seconds(60)) {
                    try await cluster.new.client.remove(volume).succeeded
                }
            }
            try await stage.expectBlank()
        }
    }

    @Test("A volume that nobody uses any more is handed over when the other version asks", arguments: Upgrade.allCases)
    func handOver(_ upgrade: Upgrade) async throws {
        try await MixedCluster.with { cluster in
            let (owner, other) = cluster.nodes(upgrade)
            let name = uniqueName("idle")
            let here = try await cluster.mounted(name, on: owner)
            // Its container has gone without an Unmount. For a minute a mount is left to its container all the same.
            let there = try await other.client.mountAtLast(name, id: "b", within: .seconds(150))
            #expect(try text(of: there + "/file") == "from before")
            #expect(owner.plugin.kernelState.mount(at: here) == nil)
            try await owner.client.unmount(name, id: "a").checked()
            #expect(try text(of: there + "/file") == "from before", "an Unmount that comes late is nobody's")
            try await other.client.unmount(name, id: "b").checked()
            #expect(try await cluster.writers(of: name) == [])
        }
    }

    @Test(
        "A node that is gone is shut out by the other version before its volume is mounted", arguments: Upgrade.allCases
    )
    func takeOver(_ upgrade: Upgrade) async throws {
        try await MixedCluster.with { cluster in
            let (owner, heir) = cluster.nodes(upgrade)
            let (stage, name) = (cluster.stage, uniqueName("fenced"))
            let here = try await cluster.mounted(name, on: owner)
            let client = try #require(try await cluster.clients(of: name).first)
            // As when the network to etcd is cut: its containers go on writing.
            try await owner.plugin.kill()
            try await stage.endHeartbeat(of: owner.name)
            #expect(try await cluster.watchers(of: name) == [client])

            let there = try await heir.client.mount(name, id: "b").checked().mountpoint
            #expect(try await stage.ceph.blocklist().contains(client))
            #expect(try text(of: there + "/file") == "from before")
            let late = try await runTool("dd", ["if=/dev/zero", "of=\(here)/late", "bs=4k", "count=1", "conv=fsync"])
            #expect(!late.succeeded, "the node that was shut out wrote")
            try write("from the new owner", to: there + "/file")

            try await owner.start()
            try await eventually("the old owner to let go of what it has lost", within: .seconds(60)) {
                owner.plugin.kernelState.isEmpty
            }
            try await owner.client.unmount(name, id: "a").checked()
            #expect(try text(of: there + "/file") == "from the new owner")
            try await heir.client.unmount(name, id: "b").checked()
            try await stage.expectSoundFilesystem(name, after: "a take-over by the other version")
            for node in [owner, heir, owner] {
                let mountpoint = try await node.client.mount(name, id: "c").checked().mountpoint
                #expect(try text(of: mountpoint + "/file") == "from the new owner")
                #expect(!exists(mountpoint + "/late"))
                try await node.client.unmount(name, id: "c").checked()
            }
        }
    }

    @Test("A take-over that one version began is finished by the other", arguments: Upgrade.allCases)
    func takeOverGoesOn(_ upgrade: Upgrade) async throws {
        let killSwitch = try KillSwitch()
        try await MixedCluster.with(settings: killSwitch.settings) { cluster in
            try await cluster.stage.withAnotherNode { plugin, _ in
                let owner = VersionedNode(plugin: plugin, program: cluster.new.program)
                for effect in ["record volume ready, mount fencing", "blocklist client"] {
                    try await Self.finishTakeOver(from: owner, upgrade, on: cluster, killSwitch, diesAfter: effect)
                }
            }
        }
        try await killSwitch.sweep()
    }

    private static func finishTakeOver(
        from owner: VersionedNode, _ upgrade: Upgrade, on cluster: MixedCluster, _ killSwitch: KillSwitch,
        diesAfter effect: String
    ) async throws {
        let (first, second) = cluster.nodes(upgrade)
        let name = uniqueName("half-taken")
        let here = try await cluster.mounted(name, on: owner)
        let client = try #require(try await cluster.clients(of: name).first)
        try await owner.plugin.kill()
        try await cluster.stage.endHeartbeat(of: owner.name)
        try await first.plugin.killed(at: KillPoint(line: "Mount: \(effect)", count: 1), killSwitch) {
            _ = try await first.client.mount(name, id: "b")
        }
        #expect(try await cluster.stage.mountRecord(of: name)?["state"] == "fencing")
        try await cluster.stage.endHeartbeat(of: first.name)

        let there = try await second.client.mount(name, id: "c").checked().mountpoint
        #expect(try await cluster.stage.ceph.blocklist().contains(client))
        #expect(try text(of: there + "/file") == "from before")
        let late = try await runTool("dd", ["if=/dev/zero", "of=\(here)/late", "bs=4k", "count=1", "conv=fsync"])
        #expect(!late.succeeded, "the dead owner wrote")
        for node in [first, owner] {
            try await node.start()
            try await eventually("\(node.name) to let go", within: .seconds(60)) { node.plugin.kernelState.isEmpty }
        }
        #expect(try text(of: there + "/file") == "from before")
        try await second.client.unmount(name, id: "c").checked()
        try await cluster.stage.expectSoundFilesystem(name, after: "a take-over by both versions")
    }

    @Test(
        "A host that died with the released version: what Ceph still knows of it is shut out, else an error says what to type",
        arguments: [true, false])
    func deadHost(withLock: Bool) async throws {
        try await MixedCluster.with { cluster in
            let (stage, name) = (cluster.stage, uniqueName("dead"))
            let features = withLock ? "layering,exclusive-lock" : "layering"
            _ = try await cluster.mounted(name, on: cluster.old, ["features": features])
            let client = try #require(try await cluster.clients(of: name).first)
            try await cluster.endHost(of: cluster.old, with: name)

            var answer = try await cluster.new.client.mount(name, id: "b")
            if !withLock {
                let command = "ceph osd blocklist add \(client) 315360000"
                #expect(answer.error.contains("'\(command)'"), "\(answer.error)")
                #expect(cluster.new.plugin.kernelState.isEmpty, "\(cluster.new.plugin.kernelState)")
                let former = try await stage.mountRecord(of: name)
                #expect(former?["fenced"]?["clients"]?.array == [.string(client)], "\(String(describing: former))")
                #expect(try await !stage.ceph.blocklist().contains(client))
                try await stage.ceph.ceph("osd", "blocklist", "add", client, "315360000")
                answer = try await cluster.new.client.mount(name, id: "b")
            }
            let there = try answer.checked().mountpoint
            #expect(try await stage.ceph.blocklist().contains(client))
            #expect(try text(of: there + "/file") == "from before")
            try await cluster.new.client.unmount(name, id: "b").checked()
            try await stage.expectSoundFilesystem(name, after: "the death of a host with the released version")
        }
    }

    @Test(
        "A dead host is shut out whatever the released version has written to its record: the image knows its writers")
    func askedByOldVersion() async throws {
        try await MixedCluster.with { cluster in
            let (stage, name) = (cluster.stage, uniqueName("asked"))
            _ = try await cluster.mounted(name, on: cluster.new, ["features": "layering"])
            let client = try #require(try await cluster.clients(of: name).first)
            #expect(try await stage.mountRecord(of: name)?["writersAreNoted"]?.bool == true)
            let refused = try await cluster.old.client.mount(name, id: "b")
            #expect(refused.error.contains(cluster.new.name), "\(refused.error)")
            #expect(try await cluster.writers(of: name) == [client])

            try await cluster.endHost(of: cluster.new, with: name)
            try await stage.withAnotherNode { _, heir in
                let there = try await heir.mount(name, id: "c").checked().mountpoint
                #expect(try await stage.ceph.blocklist().contains(client))
                #expect(try text(of: there + "/file") == "from before")
                try await heir.unmount(name, id: "c").checked()
            }
        }
    }

    @Test(
        "The plugin of a node is upgraded in place under a mounted volume, and unmounts it well",
        arguments: [true, false])
    func inPlace(killed: Bool) async throws {
        try await MixedCluster.with { cluster in
            let (stage, node, name) = (cluster.stage, cluster.old, uniqueName("in-place"))
            let here = try await cluster.mounted(name, on: node)
            let client = try #require(try await cluster.clients(of: name).first)
            let mounted = node.plugin.kernelState
            try await holdingOpen(here + "/open") { file in
                if killed {
                    try await node.plugin.kill()
                } else {
                    #expect(try await node.plugin.terminate() == .exited(0))
                }
                try file.writeAll("before ".utf8)
                try await node.plugin.start(program: cluster.new.program)
                #expect(try await node.client.path(name).checked().mountpoint == here)
                #expect(try await node.client.mount(name, id: "b").checked().mountpoint == here)
                #expect(node.plugin.kernelState == mounted, "not mapped or mounted a second time")
                try file.writeAll("after".utf8)
                try await eventually("the writer of before to be noted in the image") {
                    let record = try await stage.mountRecord(of: name)
                    return record?["writersAreNoted"]?.bool == true && record?["clients"]?.array == [.string(client)]
                }
                #expect(try await cluster.writers(of: name) == [client])
                #expect(try await cluster.new.client.mount(name, id: "c").error.contains(node.name))
                let busy = try await node.client.unmount(name, id: "a")
                #expect(busy.succeeded, "b still has it: \(busy.error)")
                #expect(try await !node.client.unmount(name, id: "b").succeeded, "a file is open")
                #expect(node.plugin.kernelState.mount(at: here) != nil)
            }
            try await eventually("the Unmount that failed to be made up for") { node.plugin.kernelState.isEmpty }
            try await eventually("the record to go") { try await stage.mountRecord(of: name) == nil }
            #expect(try await cluster.writers(of: name) == [])
            let there = try await cluster.new.client.mount(name, id: "d").checked().mountpoint
            #expect(try text(of: there + "/file") == "from before")
            #expect(try text(of: there + "/open") == "before after")
        }
    }

    @Test("An upgrade can be taken back under a mounted volume, and made again")
    func takenBack() async throws {
        try await MixedCluster.with { cluster in
            let (stage, node, name) = (cluster.stage, cluster.new, uniqueName("taken-back"))
            let here = try await cluster.mounted(name, on: node)
            let mounted = node.plugin.kernelState
            try await node.plugin.terminate()
            try await node.plugin.start(program: cluster.old.program)
            #expect(try await node.client.path(name).checked().mountpoint == here)
            #expect(try await node.client.mount(name, id: "b").checked().mountpoint == here)
            #expect(node.plugin.kernelState == mounted)
            try await node.client.unmount(name, id: "a").checked()
            try await node.client.unmount(name, id: "b").checked()
            #expect(node.plugin.kernelState.isEmpty, "\(node.plugin.kernelState)")
            let between = try await node.client.mount(name, id: "c").checked().mountpoint
            try write("by the released version", to: between + "/between")

            try await node.plugin.terminate()
            try await node.start()
            #expect(try await node.client.path(name).checked().mountpoint == here)
            try await node.client.unmount(name, id: "c").checked()
            #expect(node.plugin.kernelState.isEmpty, "\(node.plugin.kernelState)")
            #expect(try await stage.mountRecord(of: name) == nil)
            // What the released version did not clear away keeps nobody from the volume, and goes with the next mount.
            for other in [cluster.old, cluster.new] {
                let there = try await other.client.mount(name, id: "d").checked().mountpoint
                #expect(try text(of: there + "/between") == "by the released version")
                try await other.client.unmount(name, id: "d").checked()
            }
            #expect(try await cluster.writers(of: name) == [])
        }
    }
}

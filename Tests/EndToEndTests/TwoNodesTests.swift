import Rig
import SystemPackage
import Testing

/// Two hosts of one cluster: the same records and images, each with a plugin of its own.
@Suite("Two nodes")
struct TwoNodesTests {
    @Test(
        "A volume that is mounted on one node is refused on the other by that node's name, and follows when it is free")
    func oneAtATime() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("nodes")
            try await stage.withAnotherNode(settings: ["MOUNT_WAIT": "1s"]) { there, other in
                let here = try await stage.client.mount(name, id: "a").checked().mountpoint
                try write("from the first node", to: here + "/file")
                // That it is wanted elsewhere is noted in the record.
                let before = try await stage.surroundings(records: .byKey)
                let refused = try await other.mount(name, id: "b")
                #expect(refused.error.contains(stage.plugin.settings.node), "\(refused.error)")
                #expect(there.kernelState.isEmpty, "\(there.kernelState)")
                try await stage.expectUnchanged(since: before, records: .byKey, after: "a Mount on another node")
                #expect(try text(of: here + "/file") == "from the first node")

                let removed = try await other.remove(name)
                #expect(removed.error.contains(stage.plugin.settings.node), "\(removed.error)")
                try await other.unmount(name, id: "a").checked()
                try await stage.expectUnchanged(since: before, records: .byKey, after: "Remove and Unmount there")
                #expect(try await other.path(name).checked().mountpoint == "")

                try await stage.client.unmount(name, id: "a").checked()
                let moved = try await other.mount(name, id: "b").checked().mountpoint
                #expect(try text(of: moved + "/file") == "from the first node")
                try write("from the second node", to: moved + "/file")
                let back = try await stage.client.unmount(name, id: "a")
                #expect(back.succeeded, "an Unmount that comes twice is nobody's any more")
                #expect(there.kernelState.mount(at: moved) != nil)
                try await other.unmount(name, id: "b").checked()
                try await stage.client.mount(name, id: "c").checked()
                #expect(try text(of: here + "/file") == "from the second node")
            }
        }
    }

    @Test("A Mount waits for the other node to let go, and gets the volume then")
    func handOver() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("wait")
            try await stage.withAnotherNode { _, other in
                let here = try await stage.client.mount(name, id: "a").checked().mountpoint
                try write("handed over", to: here + "/file")
                async let waiting = other.mount(name, id: "b")
                // Long enough for the Mount to be on its way; it does not matter for the outcome if it is not.
                try await Task.sleep(for: .milliseconds(500))
                try await stage.client.unmount(name, id: "a").checked()
                let there = try await waiting.checked().mountpoint
                #expect(try text(of: there + "/file") == "handed over")
                #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            }
        }
    }

    @Test("When another node asks, a volume that nobody uses any more is handed over, and one that is in use is not")
    func askedFor() async throws {
        try await Stage.with { stage in
            let client = stage.client
            let (idle, used) = (try await stage.volume("idle"), try await stage.volume("used"))
            let mountpoint = try await client.mount(idle, id: "a").checked().mountpoint
            try write("handed over", to: mountpoint + "/file")
            let usedMountpoint = try await client.mount(used, id: "a").checked().mountpoint
            // The daemon has crashed, and the first volume's container is gone without an Unmount.
            try await stage.plugin.kill()
            try await stage.plugin.start()
            try await stage.withAnotherNode(settings: ["MOUNT_WAIT": "5s"]) { there, other in
                try await holdingOpen(usedMountpoint + "/database") { file in
                    // For a minute a mount is left to its container, which may be just starting.
                    let there = try await other.mountAtLast(idle, id: "b", within: .seconds(120))
                    #expect(try text(of: there + "/file") == "handed over")
                    #expect(stage.plugin.kernelState.mount(at: mountpoint) == nil)
                    #expect(try await client.path(idle).checked().mountpoint == "")
                    try await client.unmount(idle, id: "a").checked()
                    #expect(try text(of: there + "/file") == "handed over", "an Unmount that comes late is nobody's")

                    for _ in 0..<2 {
                        let refused = try await other.mount(used, id: "b")
                        #expect(refused.error.contains(stage.plugin.settings.node), "\(refused.error)")
                        try file.writeAll("row ".utf8)
                        #expect(try await client.path(used).checked().mountpoint == usedMountpoint)
                    }
                    // The owner may be trying to let go this very moment, and would if the file were closed now.
                    try await eventually("nobody to want it any more") {
                        let record = try await stage.mountRecord(of: used)
                        return record?["state"]?.string == "attached" && record?["wantedBy"]?["node"] == nil
                    }
                }
                #expect(there.kernelState.loopDevices.count == 1, "\(there.kernelState)")
            }
            #expect(try text(of: usedMountpoint + "/database") == "row row ")
            try await client.unmount(used, id: "a").checked()
            try await eventually("the volume to be let go") { stage.plugin.kernelState.isEmpty }
        }
    }

    @Test("Creates of one name on two nodes at once all succeed, as Swarm sends them, and make one volume")
    func racingCreates() async throws {
        try await Stage.with { stage in
            try await stage.withAnotherNode { _, other in
                let name = uniqueName("race")
                let clients = [stage.client, other, stage.client, other, other, stage.client]
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in clients {
                        group.addTask { try await client.create(name, options: stage.options()).checked() }
                    }
                    try await group.waitForAll()
                }
                #expect(try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)") == [name])
                try await other.mount(name, id: "a").checked()
                try await other.unmount(name, id: "a").checked()
                try await stage.client.remove(name).checked()
                try await stage.expectBlank()
            }
        }
    }

    @Test("Of two nodes that mount a free volume at once, exactly one gets it")
    func racingMounts() async throws {
        try await Stage.with(settings: ["MOUNT_WAIT": "1s"]) { stage in
            let name = try await stage.volume("one-of-two")
            try await stage.withAnotherNode(settings: ["MOUNT_WAIT": "1s"]) { there, other in
                for round in 0..<4 {
                    async let first = stage.client.mount(name, id: "a")
                    async let second = other.mount(name, id: "b")
                    let answers = [try await first, try await second]
                    #expect(answers.filter(\.succeeded).count == 1, "round \(round): \(answers.map(\.error))")
                    let mounted = stage.plugin.kernelState.loopDevices.count + there.kernelState.loopDevices.count
                    #expect(mounted == 1, "round \(round)")
                    try await stage.client.unmount(name, id: "a").checked()
                    try await other.unmount(name, id: "b").checked()
                }
                #expect(stage.plugin.kernelState.isEmpty && there.kernelState.isEmpty)
            }
        }
    }

    @Test("A node whose plugin has ended keeps what it has mounted: nobody else gets it while it is alive")
    func endedPlugin() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("ended")
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try await stage.withAnotherNode(settings: ["MOUNT_WAIT": "1s"]) { there, other in
                try await stage.plugin.kill()
                // Its heartbeat still counts: a restart of the plugin takes no volume from running containers.
                let refused = try await other.mount(name, id: "b")
                #expect(refused.error.contains(stage.plugin.settings.node), "\(refused.error)")
                try write("still written", to: here + "/file")
                try await stage.plugin.start()
                try await stage.client.unmount(name, id: "a").checked()
                let moved = try await other.mount(name, id: "b").checked().mountpoint
                #expect(try text(of: moved + "/file") == "still written")
                #expect(there.kernelState.mount(at: moved) != nil)
            }
        }
    }

    @Test("A node that is gone is shut out of Ceph before its volume is mounted elsewhere, and lets go when it is back")
    func takeOver() async throws {
        let settings = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]
        try await Stage.with(settings: settings) { stage in
            let name = try await stage.volume("fenced")
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("from before", to: here + "/file")
            try await runTool("sync", ["--file-system", here]).checked()
            // As when the network to etcd is cut: nothing is heard of the node, and its containers go on writing.
            try await stage.plugin.kill()
            try await stage.withAnotherNode(settings: settings) { _, other in
                let there = try await other.mountAtLast(name, id: "b", within: .seconds(60))
                #expect(try text(of: there + "/file") == "from before")
                let written = try await runTool(
                    "dd", ["if=/dev/zero", "of=\(here)/late", "bs=4k", "count=1", "conv=fsync"])
                #expect(!written.succeeded, "the node that was taken for dead wrote to the volume")
                try write("from the new owner", to: there + "/file")

                try await stage.plugin.start()
                try await eventually("the old owner to let go of what it has lost") {
                    stage.plugin.kernelState.isEmpty
                }
                #expect(try await stage.client.path(name).checked().mountpoint == "")
                try await stage.client.unmount(name, id: "a").checked()
                #expect(try text(of: there + "/file") == "from the new owner")
                #expect(!exists(there + "/late"))
                try await other.unmount(name, id: "b").checked()
                let back = try await stage.client.mount(name, id: "c").checked().mountpoint
                #expect(try text(of: back + "/file") == "from the new owner")
            }
        }
    }
}

import FoundationEssentials
import Glibc
import Rig
import Testing

/// The plugin is started with another `--mount-root` than the one that its volumes were mounted below.
@Suite("Another mount root")
struct MountRootTests {
    @Test("B6: what was mounted below the former mount root is found, counted and given back")
    func b6WhatIsMountedBelowTheFormerRootIsGivenBack() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("moved"))
            let former = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: former + "/file")
            try await stage.restart(mountRoot: stage.newRoot)

            #expect(try await client.path(name).checked().mountpoint == former)
            #expect(try await client.mount(name, id: "b").checked().mountpoint == former)
            try await client.unmount(name, id: "a").checked()
            #expect(try text(of: former + "/file") == "kept")
            try await client.unmount(name, id: "b").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            #expect(!exists(former))
            #expect(try await stage.mountRecord(of: name) == nil)

            let now = try await client.mount(name, id: "c").checked().mountpoint
            #expect(now == "\(stage.newRoot)/\(name)")
            #expect(try text(of: now + "/file") == "kept")
            try await client.unmount(name, id: "c").checked()
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("B6: a dead mount below the former mount root does not keep the volume from being mounted below the new one")
    func b6ADeadMountBelowTheFormerRootGoes() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("dead"))
            let former = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: former + "/file")
            try await runTool("sync", [former + "/file"]).checked()
            let namespace = "\(stage.pool)/\(stage.namespace)"
            let watchers = try await stage.ceph.watchers(of: name, in: namespace)
            try await stage.plugin.kill()
            for daemon in stage.plugin.kernelState.exports { kill(daemon.pid, SIGKILL) }
            try await stage.plugin.start(mountRoot: stage.newRoot)
            for watcher in watchers { try await stage.ceph.ceph("osd", "blocklist", "add", watcher, "315360000") }

            let now = try await client.mount(name, id: "b").checked().mountpoint
            #expect(now == "\(stage.newRoot)/\(name)")
            #expect(try text(of: now + "/file") == "kept")
            #expect(stage.plugin.kernelState.mount(at: former) == nil)
            for id in ["a", "b"] { try await client.unmount(name, id: id).checked() }
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }

    @Test("B6: a volume below the former mount root that another node has taken over is let go of")
    func b6ATakenVolumeBelowTheFormerRootIsLetGoOf() async throws {
        let settings: [String: String?] = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]
        try await Stage.with(settings: settings) { stage in
            let (client, name) = (stage.client, try await stage.volume("taken"))
            try await client.mount(name, id: "a").checked()
            try await stage.withAnotherNode(settings: settings) { _, other in
                try await stage.plugin.kill()
                _ = try await other.mountAtLast(name, id: "b", within: .seconds(60))
                try await stage.plugin.start(mountRoot: stage.newRoot)
                try await eventually("the former owner to let go") { stage.plugin.kernelState.isEmpty }
                try await other.unmount(name, id: "b").checked()
            }
        }
    }

    @Test("B6: a record that names somebody else's mount makes nobody unmount it")
    func b6ARecordDoesNotUnmountAnythingElse() async throws {
        try await Stage.with { stage in
            let client = stage.client
            let (name, victim) = (try await stage.volume("forged"), try await stage.volume("victim"))
            let here = try await client.mount(name, id: "a").checked().mountpoint
            let there = try await client.mount(victim, id: "v").checked().mountpoint
            // Another volume's, and one that has nothing to do with the plugin.
            let strange = stage.plugin.scratch.path + "/strange"
            try FileManager.default.createDirectory(atPath: strange, withIntermediateDirectories: false)
            try await runTool("mount", ["-t", "tmpfs", "none", strange]).checked()
            for (device, mountpoint) in [("none", strange), (nil, there)] {
                var record = try #require(try await stage.mountRecord(of: name)).object
                let victims = try #require(try await stage.mountRecord(of: victim))
                record["mountpoint"] = .string(mountpoint)
                record["device"] = device.map { .string($0) } ?? victims["device"]
                let forged = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
                try await stage.etcd.put("\(stage.prefix)mounts/\(name)", forged)
                _ = try await client.unmount(name, id: "a")
                _ = try await client.mount(name, id: "a")
                #expect(stage.plugin.kernelState.mount(at: there) != nil)
                #expect(stage.plugin.kernelState.mount(at: strange) != nil)
            }
            #expect(try await client.path(name).checked().mountpoint == here)
            try await client.unmount(name, id: "a").checked()
            try await client.unmount(victim, id: "v").checked()
            try await runTool("umount", [strange]).checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }
}

extension Stage {
    fileprivate var newRoot: String { plugin.scratch.path + "/elsewhere" }

    fileprivate func restart(mountRoot: String) async throws {
        try await plugin.terminate()
        try await plugin.start(mountRoot: mountRoot)
    }
}

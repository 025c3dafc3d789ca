import FoundationEssentials
import Rig
import SystemPackage
import Testing

/// Several containers of one node with one volume, and who may end it.
@Suite("Sharing a volume on one node")
struct SharingTests {
    @Test("Two containers share one mount, and the first that goes does not take it from the second")
    func twoContainers() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("shared"))
            let first = try await client.mount(name, id: "a").checked().mountpoint
            let mounted = stage.plugin.kernelState
            #expect(try await client.mount(name, id: "b").checked().mountpoint == first)
            #expect(stage.plugin.kernelState == mounted, "mapped and mounted once")
            try write("from b", to: first + "/file")
            try await client.unmount(name, id: "a").checked()
            #expect(stage.plugin.kernelState == mounted)
            #expect(try text(of: first + "/file") == "from b")
            try await client.unmount(name, id: "b").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }

    @Test("The same id counts as often as it was mounted: `docker cp` on a running container does that")
    func sameIDTwice() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("twice"))
            try await client.mount(name, id: "a").checked()
            let mounted = stage.plugin.kernelState
            try await client.mount(name, id: "a").checked()
            #expect(stage.plugin.kernelState == mounted)
            try await client.unmount(name, id: "a").checked()
            #expect(stage.plugin.kernelState == mounted, "the container itself still has it")
            try await client.unmount(name, id: "a").checked()
            #expect(stage.plugin.kernelState.isEmpty)
            try await client.unmount(name, id: "a").checked()
        }
    }

    @Test("An unknown id is nobody: its Unmount succeeds and takes the volume from no one")
    func unknownID() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("unknown"))
            try await client.unmount(name, id: "nobody").checked()
            try await client.mount(name, id: "a").checked()
            let before = try await stage.surroundings()
            try await client.unmount(name, id: "nobody").checked()
            try await client.unmount(name, id: "").checked()
            try await stage.expectUnchanged(since: before, after: "Unmounts of ids that nobody mounted")
        }
    }

    @Test("An Unmount while a file is open is refused as busy, and the volume stays usable until it is closed")
    func openFile() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("busy"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            let before = try await stage.surroundings(records: .byKey)
            try await holdingOpen(mountpoint + "/database") { file in
                let answer = try await client.unmount(name, id: "a")
                #expect(!answer.succeeded)
                #expect(answer.error.contains("busy"), "\(answer.error)")
                try await stage.expectUnchanged(since: before, records: .byKey, after: "an Unmount of a busy volume")
                try file.writeAll("still writable".utf8)
                #expect(try await client.path(name).checked().mountpoint == mountpoint)
                #expect(try await client.mount(name, id: "b").checked().mountpoint == mountpoint)
                #expect(try text(of: mountpoint + "/database") == "still writable")
                _ = try await client.unmount(name, id: "b")
                #expect(try await !client.remove(name).succeeded, "its filesystem is in use")
                #expect(try text(of: mountpoint + "/database") == "still writable")
            }
            try await client.unmount(name, id: "a").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            try await client.mount(name, id: "c").checked()
            #expect(try text(of: mountpoint + "/database") == "still writable")
        }
    }

    @Test("A container that outlives the Unmount keeps the volume: busy, and still usable by both")
    func container() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("container"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("here", to: mountpoint + "/file")
            // What runc does: a mount namespace of its own, and the volume bound into the container's tree.
            let data = stage.plugin.scratch.path + "/data"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
            let script = "mount --bind \(mountpoint) \(data) && exec sleep 600"
            let container = try SpawnedProcess(
                "/usr/bin/unshare", ["--mount", "--propagation", "private", "sh", "-c", script],
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
                log: stage.plugin.scratch.path + "/container.log")
            let inside = "/proc/\(container.pid)/root\(data)/file"
            do {
                try await eventually("the container to have the volume") {
                    try exists(inside) && text(of: "/proc/\(container.pid)/comm") == "sleep\n"
                }
                let answer = try await client.unmount(name, id: "a")
                #expect(answer.error.contains("busy"), "\(answer.error)")
                #expect(try text(of: mountpoint + "/file") == "here", "it is mounted again")
                #expect(try await client.path(name).checked().mountpoint == mountpoint)
                try write("from outside", to: mountpoint + "/file")
                #expect(try text(of: inside) == "from outside", "one filesystem, not two")
                #expect(stage.plugin.kernelState.loopDevices.count == 1, "\(stage.plugin.kernelState)")
                #expect(try await !client.remove(name).succeeded)
                #expect(try text(of: inside) == "from outside")
            } catch {
                try await Self.end(container)
                throw error
            }
            try await Self.end(container)
            try await client.unmount(name, id: "a").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }

    private static func end(_ process: SpawnedProcess) async throws {
        process.signal(9)
        try await process.waitForEnd()
    }

    @Test("A mounted volume cannot be removed, idle or not")
    func removeMounted() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("mounted"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            let before = try await stage.surroundings()
            let answer = try await client.remove(name)
            #expect(answer.error.contains(stage.plugin.settings.node), "\(answer.error)")
            try await stage.expectUnchanged(since: before, after: "a Remove of a mounted volume")
            try await client.unmount(name, id: "a").checked()
            try await client.mount(name, id: "b").checked()
            #expect(try text(of: mountpoint + "/file") == "kept")
        }
    }

    @Test("A Mount whose client has gone before the answer is undone: its Unmount will never come")
    func clientGone() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("gone")
            let before = try await stage.surroundings(records: .byKey)
            do {
                let connection = try await stage.client.connect()
                try await connection.send(
                    try DockerRequest.call("VolumeDriver.Mount", ["Name": .string(name), "ID": "a"]))
            }
            try await eventually("the Mount to be undone; the log says:\n\(stage.plugin.log.suffix(4000))") {
                stage.plugin.log.contains("no client wait")
            }
            try await stage.waitUntilUnchanged(since: before, records: .byKey, after: "a Mount that nobody waited for")
            try await stage.client.remove(name).checked()
        }
    }
}

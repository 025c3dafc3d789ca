import FoundationEssentials
import Rig
import Testing

/// The plugin is killed while it has an image open itself: the OSD counts it as a watcher, and as the holder of the image's
/// exclusive lock, until its watch has timed out.
@Suite("Killed with an image open")
struct OpenImageTests {
    @Test(
        "The same Create succeeds after the restart, and the dead plugin's image goes with it, long before its watch ends"
    )
    func createdAgain() async throws {
        try await Self.withDeadWatcher { stage, name in
            try await stage.client.create(name, options: stage.options()).checked()
            #expect(try await stage.images() == [name])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("works", to: mountpoint + "/file")
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("The volume can be removed after the restart, long before the dead plugin's watch ends")
    func removed() async throws {
        try await Self.withDeadWatcher { stage, name in
            // Whoever comes first: this, or the plugin's own round of clearing up.
            let answer = try await stage.client.remove(name)
            #expect(answer.succeeded || answer.error.contains("no such volume"), "\(answer.error)")
            try await stage.expectBlank()
        }
    }

    @Test("A node that died while it deleted a removed image keeps no other node from deleting others")
    func deletedElsewhere() async throws {
        try await Self.withLongWatches {
            try await Stage.with { stage in
                // Without an object map each object that there could be is asked for, which takes a while.
                let options = ["size": "32G", "order": "19", "features": "layering,exclusive-lock"]
                let name = try await stage.volume("large", options)
                let id = try #require(try await stage.record(of: name)?["imageID"]?.string)
                try await stage.client.remove(name).checked()
                try await eventually("its deletion to begin") {
                    let place = ["--pool", stage.pool, "--namespace", stage.namespace]
                    let watchers = try await stage.ceph.run("rados", place + ["listwatchers", "rbd_header.\(id)"])
                    return watchers.succeeded && watchers.output.contains("watcher=")
                }
                try await stage.plugin.kill()

                try await stage.withAnotherNode { _, other in
                    for _ in 1...3 {
                        let small = uniqueName("small")
                        try await other.create(small, options: stage.options()).checked()
                        try await other.remove(small).checked()
                        try await eventually("\(small) to be deleted", within: .seconds(60)) {
                            try await !stage.trash().contains { $0.contains(small) }
                        }
                    }
                }
                #expect(try await stage.trash().count == 1)
                // It knows that it is its own client that has died.
                try await stage.plugin.start()
                try await eventually("the large one to be deleted", within: .seconds(180)) {
                    try await stage.trash().isEmpty
                }
                try await stage.expectBlank()
            }
        }
    }

    private static func withDeadWatcher(_ body: (Stage, String) async throws -> Void) async throws {
        try await withLongWatches {
            let mkfs = try HeldMkfs()
            try await Stage.with(settings: mkfs.settings) { stage in
                let name = uniqueName("open")
                try await killDuringCreate(of: name, on: stage, mkfs)
                try await stage.plugin.start()
                try await body(stage, name)
            }
            try await mkfs.sweep()
        }
    }

    /// Watches that last ten minutes: nobody comes through by waiting.
    private static func withLongWatches(_ body: () async throws -> Void) async throws {
        let ceph = CephRig(try .required())
        try await ceph.ceph("config", "set", "osd", "osd_client_watch_timeout", "600")
        do {
            try await body()
        } catch {
            try await ceph.ceph("config", "rm", "osd", "osd_client_watch_timeout")
            throw error
        }
        try await ceph.ceph("config", "rm", "osd", "osd_client_watch_timeout")
    }

    /// The image is open from its creation on, until what mkfs has written is in it.
    private static func killDuringCreate(of name: String, on stage: Stage, _ mkfs: HeldMkfs) async throws {
        let (client, options) = (stage.client, stage.options())
        let creating = Task { try? await client.create(name, options: options) }
        let namespace = "\(stage.pool)/\(stage.namespace)"
        var image = ""
        try await eventually("the new image to be open") {
            image = try await stage.images().first ?? ""
            if image.isEmpty { return false }
            return try await !stage.ceph.watchers(of: image, in: namespace).isEmpty
        }
        try await stage.plugin.kill()
        _ = await creating.value
        try mkfs.release()
        #expect(try await stage.ceph.watchers(of: image, in: namespace).count == 1, "the dead plugin")
    }
}

/// A `mkfs.ext4` that waits until it is released, and then is the real one.
private struct HeldMkfs {
    private let folder: ScratchFolder
    private var holdFile: String { folder.path + "/hold" }

    init() throws {
        folder = try ScratchFolder("m", of: .required())
        try write("", to: holdFile)
        let program = folder.path + "/mkfs.ext4"
        let script = """
            #!/bin/sh
            while [ -e '\(holdFile)' ]; do sleep 0.05; done
            PATH=/usr/sbin:/sbin:/usr/bin:/bin exec mkfs.ext4 "$@"
            """
        try write(script, to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    }

    var settings: [String: String?] { ["PATH": "\(folder.path):/usr/sbin:/usr/bin:/sbin:/bin"] }

    func release() throws { try FileManager.default.removeItem(atPath: holdFile) }

    func sweep() async throws { try await folder.sweep() }
}

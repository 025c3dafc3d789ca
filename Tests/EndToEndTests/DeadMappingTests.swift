import Glibc
import Rig
import Testing

/// The process that carries a volume's data dies, as all of them do with a managed plugin's container. The kernel still
/// shows the mount, and every file in it gives an I/O error.
@Suite("Dead mappings")
struct DeadMappingTests {
    @Test(
        "D14: the next Mount maps the volume anew at once, long before Ceph forgets the dead client",
        arguments: [true, false])
    func d14MountsAnew(withThePlugin: Bool) async throws {
        try await Self.withLongWatches { stage in
            let (client, name) = (stage.client, try await stage.volume("dead"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await Self.writeSynced("kept", to: mountpoint + "/file")
            let watcher = try #require(try await Self.killDaemon(of: name, on: stage))
            if withThePlugin {
                try await stage.plugin.kill()
                try await stage.plugin.start()
            }
            #expect(try await client.mount(name, id: "b").checked().mountpoint == mountpoint)
            #expect(try await stage.ceph.blocklist().contains(watcher), "it writes no more, whatever becomes of it")
            #expect(try text(of: mountpoint + "/file") == "kept")
            try await Self.writeSynced("new", to: mountpoint + "/new")
            #expect(stage.plugin.kernelState.loopDevices.count == 1, "\(stage.plugin.kernelState)")
            for id in ["a", "b"] { try await client.unmount(name, id: id).checked() }
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("D14: nor is a volume waited for whose dead mount went with the plugin's container")
    func d14MountsAnewAfterAContainer() async throws {
        try await Self.withLongWatches { stage in
            let (client, name) = (stage.client, try await stage.volume("dead"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await Self.writeSynced("kept", to: mountpoint + "/file")
            try await stage.plugin.kill()
            let watcher = try #require(try await Self.killDaemon(of: name, on: stage))
            // As `docker plugin disable -f` does with all mounts below the plugin's folder.
            try await runTool("umount", ["--lazy", mountpoint]).checked()
            try await stage.plugin.start()
            #expect(try await client.mount(name, id: "b").checked().mountpoint == mountpoint)
            #expect(try text(of: mountpoint + "/file") == "kept")
            #expect(try await stage.ceph.blocklist().contains(watcher))
            for id in ["a", "b"] { try await client.unmount(name, id: id).checked() }
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("A dead mapping of which the plugin has no notes is left to time; until then the error says what to do")
    func withoutNotes() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("dead"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await Self.writeSynced("kept", to: mountpoint + "/file")
            try await stage.plugin.kill()
            let watcher = try #require(try await Self.killDaemon(of: name, on: stage))
            for folder in names(in: stage.plugin.stateFolder + "/fuse") {
                try await runTool("rm", ["\(stage.plugin.stateFolder)/fuse/\(folder)/pid"]).checked()
            }
            try await stage.plugin.start()
            let early = try await client.mount(name, id: "b")
            #expect(early.error.contains("is in use by \(watcher)"), "\(early.error)")
            #expect(try await stage.mountRecord(of: name)?["mountIDs"] == ["a": 1], "nothing was touched")
            try await Self.forget(watcher, of: name, on: stage)
            #expect(try await client.mount(name, id: "b").checked().mountpoint == mountpoint)
            #expect(try text(of: mountpoint + "/file") == "kept")
            for id in ["a", "b"] { try await client.unmount(name, id: id).checked() }
        }
    }

    @Test("A dead mount in which a file is open is told from a living one, and who has it open is named")
    func inUse() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("open"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await holdingOpen(mountpoint + "/open") { _ in
                let watcher = try #require(try await Self.killDaemon(of: name, on: stage))
                try await Self.forget(watcher, of: name, on: stage)
                let refusal = try await client.mount(name, id: "b").error
                #expect(refusal.contains("stop the containers"), "\(refusal)")
                #expect(refusal.contains("\(getpid())"), "\(refusal)")
            }
            try await client.mount(name, id: "b").checked()
            try await Self.writeSynced("new", to: mountpoint + "/new")
            for id in ["a", "b"] { try await client.unmount(name, id: id).checked() }
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }

    @Test(
        "A dead mount of a volume that another node has taken over goes by itself, also when the volume is removed there",
        arguments: [true, false])
    func takenOver(isRemovedThere: Bool) async throws {
        let settings = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]
        try await Stage.with(settings: settings) { stage in
            let (client, name) = (stage.client, try await stage.volume("stranded"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await Self.writeSynced("first", to: mountpoint + "/file")
            try await stage.withAnotherNode(settings: settings) { there, other in
                try await holdingOpen(mountpoint + "/open") { _ in
                    try await stage.plugin.kill()
                    _ = try await Self.killDaemon(of: name, on: stage)
                    if isRemovedThere { try await Self.endContainer(on: stage) }
                    let elsewhere = try await other.mountAtLast(name, id: "b", within: .seconds(60))
                    #expect(try text(of: elsewhere + "/file") == "first")
                    try await Self.writeSynced("second", to: elsewhere + "/file")
                    try await stage.plugin.start()
                    try await other.unmount(name, id: "b").checked()
                    if isRemovedThere {
                        try await other.remove(name).checked()
                        try await other.create(name, options: stage.options()).checked()
                    }
                    let refusal = try await client.mount(name, id: "b").error
                    #expect(refusal.contains("stop the containers"), "\(refusal)")
                    #expect(refusal.contains("\(getpid())"), "\(refusal)")
                    #expect(try await stage.mountRecord(of: name) == nil, "other nodes can have it")
                    if isRemovedThere { try await other.remove(name).checked() }
                }
                try await eventually("the dead mount to be gone") { stage.plugin.kernelState.isEmpty }
                #expect(there.kernelState.isEmpty, "\(there.kernelState)")
            }
            if isRemovedThere { try await client.create(name, options: stage.options()).checked() }
            #expect(try await client.mount(name, id: "c").checked().mountpoint == mountpoint)
            if !isRemovedThere { #expect(try text(of: mountpoint + "/file") == "second") }
            try await Self.writeSynced("new", to: mountpoint + "/new")
            try await client.unmount(name, id: "c").checked()
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    /// Watches that last ten minutes: nobody comes through by waiting.
    private static func withLongWatches(_ body: (Stage) async throws -> Void) async throws {
        let ceph = CephRig(try .required())
        try await ceph.ceph("config", "set", "osd", "osd_client_watch_timeout", "600")
        do {
            try await Stage.with { try await body($0) }
        } catch {
            try await ceph.ceph("config", "rm", "osd", "osd_client_watch_timeout")
            throw error
        }
        try await ceph.ceph("config", "rm", "osd", "osd_client_watch_timeout")
    }

    private static func writeSynced(_ text: String, to path: String) async throws {
        try write(text, to: path)
        try await runTool("sync", [path]).checked()
    }

    /// - Returns: the address by which Ceph still counts it.
    private static func killDaemon(of name: String, on stage: Stage) async throws -> String? {
        let watchers = try await stage.ceph.watchers(of: name, in: "\(stage.pool)/\(stage.namespace)")
        for daemon in stage.plugin.kernelState.exports { kill(daemon.pid, SIGKILL) }
        try await eventually("the daemon to be dead") { stage.plugin.kernelState.exports.isEmpty }
        #expect(watchers.count == 1)
        return watchers.first
    }

    /// What the end of a managed plugin's container does besides: the daemons' files were in its mount namespace.
    private static func endContainer(on stage: Stage) async throws {
        let folder = stage.plugin.stateFolder + "/fuse"
        for name in names(in: folder) { try await runTool("umount", ["--lazy", "\(folder)/\(name)/image"]).checked() }
    }

    /// What half a minute does as well.
    private static func forget(_ watcher: String, of name: String, on stage: Stage) async throws {
        try await stage.ceph.ceph("osd", "blocklist", "add", watcher, "315360000")
        try await eventually("the dead client's watch to be gone") {
            try await stage.ceph.watchers(of: name, in: "\(stage.pool)/\(stage.namespace)").isEmpty
        }
    }
}

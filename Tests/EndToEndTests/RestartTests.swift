import FoundationEssentials
import Glibc
import Rig
import SystemPackage
import Testing

/// The plugin ends, in every way and at every moment, and comes back.
@Suite("Restarts")
struct RestartTests {
    @Test(
        "What was mounted stays mounted and usable when the plugin is killed, and is found again",
        arguments: [true, false])
    func whileMounted(killed: Bool) async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("killed"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await client.mount(name, id: "b").checked()
            try write("before", to: mountpoint + "/before")
            let mounted = stage.plugin.kernelState
            try await holdingOpen(mountpoint + "/open") { file in
                if killed {
                    try await stage.plugin.kill()
                } else {
                    let end = try await stage.plugin.terminate()
                    #expect(end == .exited(0))
                    #expect(!exists(stage.plugin.socket))
                }
                #expect(stage.plugin.kernelState == mounted)
                try write("meanwhile", to: mountpoint + "/meanwhile")
                try file.writeAll("written through".utf8)
                try await stage.plugin.start()

                #expect(try await client.path(name).checked().mountpoint == mountpoint)
                #expect(try await client.get(name).checked().volume?.mountpoint == mountpoint)
                #expect(try await client.list().checked().volumes?.map(\.mountpoint) == [mountpoint])
                // A container that is restarted after the daemon's crash comes with the id it had.
                #expect(try await client.mount(name, id: "a").checked().mountpoint == mountpoint)
                #expect(try await client.mount(name, id: "c").checked().mountpoint == mountpoint)
                #expect(stage.plugin.kernelState == mounted, "not mapped or mounted a second time")
                #expect(try await !client.remove(name).succeeded)
            }
            for id in ["a", "a", "b"] { try await client.unmount(name, id: id).checked() }
            #expect(stage.plugin.kernelState == mounted, "c still has it")
            try await client.unmount(name, id: "c").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            try await client.mount(name, id: "d").checked()
            #expect(names(in: mountpoint) == ["before", "meanwhile", "open"])
            #expect(try text(of: mountpoint + "/open") == "written through")
        }
    }

    @Test("SIGTERM lets a running Create end and tells its client, and leaves mounts alone")
    func drains() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("drain"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            let (late, options) = (uniqueName("late"), stage.options())
            async let creating = client.create(late, options: options)
            try await eventually("the Create to begin") {
                stage.plugin.log.contains("creating volume") && stage.plugin.log.contains(late)
            }
            let end = try await stage.plugin.terminate()
            #expect(end == .exited(0))
            try await creating.checked()
            #expect(stage.plugin.kernelState.mount(at: mountpoint) != nil)
            await #expect(throws: ConnectionFailure.self) { _ = try await client.capabilities() }
            try await stage.plugin.start()
            #expect(try await client.get(late).checked().volume?.status["phase"] == "ready")
            try await client.unmount(name, id: "a").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }

    @Test("Killed at any moment of a Create, the same Create succeeds after the restart, and nothing is left behind")
    func inMidCreate() async throws {
        try await Stage.with { stage in
            var volumes: [String] = []
            for limit in [20, 80, 160, 300, 500, 800] {
                let name = uniqueName("create")
                let moment = try await Self.killPlugin(on: stage, within: limit) {
                    _ = try await $0.create(name, options: stage.options())
                }
                let again = try await stage.client.create(name, options: stage.options())
                #expect(again.succeeded, "killed after \(moment): \(again.error)")
                volumes.append(name)
            }
            for name in volumes {
                // A process that was killed in the midst of a rename shows as a watcher of the image: the next one is not
                // kept waiting by that.
                let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
                try write("works", to: mountpoint + "/file")
                try await stage.client.unmount(name, id: "a").checked()
            }
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            #expect(names(in: stage.plugin.stateFolder + "/format").isEmpty, "a killed mkfs's file goes with the next")
            try await Self.removeAll(volumes, on: stage)
        }
    }

    @Test("Killed at any moment of a Create, the volume can be removed after the restart")
    func removedAfterMidCreate() async throws {
        try await Stage.with { stage in
            var volumes: [String] = []
            for limit in [100, 250, 500] {
                let name = uniqueName("create")
                _ = try await Self.killPlugin(on: stage, within: limit) {
                    _ = try await $0.create(name, options: stage.options())
                }
                if try await stage.record(of: name) != nil { volumes.append(name) }
            }
            try await Self.removeAll(volumes, on: stage)
        }
    }

    @Test("Killed at any moment of a Mount, the restarted plugin puts things in order, and the data is intact")
    func inMidMount() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("mount"))
            let mountpoint = try await client.mount(name, id: "first").checked().mountpoint
            let bytes = randomBytes(1 << 20)
            try write(bytes, to: mountpoint + "/data")
            try await client.unmount(name, id: "first").checked()
            for limit in [30, 100, 200, 350, 600] {
                let moment = try await Self.killPlugin(on: stage, within: limit) {
                    _ = try await $0.mount(name, id: "again")
                }
                let mounted = try await client.mount(name, id: "again")
                #expect(mounted.mountpoint == mountpoint, "killed after \(moment): \(mounted.error)")
                #expect(try read(mountpoint + "/data") == bytes, "killed after \(moment)")
                #expect(stage.plugin.kernelState.loopDevices.count == 1, "\(stage.plugin.kernelState)")
                // Whether the Mount before the crash counted is open: its answer was never given.
                for _ in 0..<2 { try await client.unmount(name, id: "again").checked() }
                #expect(stage.plugin.kernelState.isEmpty, "killed after \(moment): \(stage.plugin.kernelState)")
                #expect(try await stage.mountRecord(of: name) == nil)
            }
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("A Mount that was cut off and never repeated leaves nothing half done after the restart")
    func midMountAlone() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("alone")
            let before = try await stage.surroundings(records: .byKey)
            for limit in [60, 150, 300] {
                let moment = try await Self.killPlugin(on: stage, within: limit) {
                    _ = try await $0.mount(name, id: "a")
                }
                try await eventually("the plugin to settle a Mount that was killed after \(moment)") {
                    let record = try await stage.mountRecord(of: name)
                    if record?["state"] == "attached" {
                        // It was complete, only the answer was lost: the id counts until Docker gives it back.
                        return stage.plugin.kernelState.mount(at: "\(stage.plugin.mountRoot)/\(name)") != nil
                    }
                    let changes = try await stage.surroundings(records: .byKey).changes(since: before)
                    return changes.isEmpty
                }
                try await stage.client.unmount(name, id: "a").checked()
                try await stage.expectUnchanged(since: before, records: .byKey, after: "a Mount killed after \(moment)")
            }
        }
    }

    @Test("Killed at any moment of an Unmount or a Remove, the same call finishes it after the restart")
    func inMidUnmountAndRemove() async throws {
        try await Stage.with { stage in
            for limit in [20, 60, 120, 250] {
                let name = try await stage.volume("unmount")
                let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
                try write("kept", to: mountpoint + "/file")
                var moment = try await Self.killPlugin(on: stage, within: limit) {
                    _ = try await $0.unmount(name, id: "a")
                }
                try await stage.client.unmount(name, id: "a").checked()
                try await eventually("the volume to be let go, killed after \(moment)") {
                    try await stage.mountRecord(of: name) == nil && stage.plugin.kernelState.isEmpty
                }
                try await stage.client.mount(name, id: "b").checked()
                #expect(try text(of: mountpoint + "/file") == "kept", "killed after \(moment)")
                try await stage.client.unmount(name, id: "b").checked()
                moment = try await Self.killPlugin(on: stage, within: limit) { _ = try await $0.remove(name) }
                if try await stage.record(of: name) != nil { try await Self.removeAll([name], on: stage) }
                try await stage.waitUntilUnchanged(
                    since: Surroundings(facts: []), after: "a Remove killed after \(moment)")
            }
        }
    }

    @Test("A second plugin on the same socket is refused, and the first goes on")
    func secondOnSocket() async throws {
        try await Stage.with { stage in
            let second = try await runTool(
                try PluginProcess.executable(),
                ["serve", "--socket", stage.plugin.socket, "--mount-root", stage.plugin.mountRoot],
                settings: ["RBD_STATE_DIR": stage.plugin.scratch.path + "/other", "ETCD_PREFIX": stage.prefix])
            #expect(second.status != 0)
            #expect(second.error.contains(stage.plugin.socket), "\(second.error)")
            #expect(try await stage.client.capabilities().scope == "global")
        }
    }

    /// Kills the plugin at a random moment of the call, and starts it again.
    ///
    /// - Returns: the moment, so that a failure can be tried again.
    private static func killPlugin(
        on stage: Stage, within limit: Int, _ call: @escaping @Sendable (PluginClient) async throws -> Void
    ) async throws -> Duration {
        let moment = Duration.milliseconds(Int.random(in: 0...limit))
        let client = stage.client
        let running = Task { try? await call(client) }
        try await Task.sleep(for: moment)
        try await stage.plugin.kill()
        await running.value
        try await stage.plugin.start()
        return moment
    }

    /// Removes volumes whose creation was cut off: the killed process counts as a watcher of its image for half a minute,
    /// or, if it was killed while it opened it, until somebody sees to that.
    private static func removeAll(_ volumes: [String], on stage: Stage) async throws {
        let ghosts = GhostWatches(stage.ceph)
        for name in volumes {
            var refusal = ""
            try await eventually("\(name) to be removed, but: \(refusal)", within: .seconds(150)) {
                refusal = try await stage.client.remove(name).error
                if refusal.isEmpty || refusal.contains("no such volume") { return true }
                try await ghosts.exorcise()
                try await Task.sleep(for: .seconds(1))
                return false
            }
        }
        try await stage.waitUntilUnchanged(
            since: Surroundings(facts: []), after: "the removal of \(volumes.count) volumes")
    }
}

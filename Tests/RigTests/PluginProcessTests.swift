import Rig
import Testing

/// The real program can be started, frozen, killed and started again, and what it leaves behind is taken back.
struct PluginProcessTests {
    @Test("A killed plugin leaves its mount; a swept one leaves nothing in the kernel")
    func killedWhileMounted() async throws {
        let rig = try RigEnvironment.required()
        let volume = uniqueName("swept")
        let plugin = try await PluginProcess.with(rig) { plugin in
            try await plugin.client.create(volume, options: ["pool": rig.pool, "size": "64"]).checked()
            let mountpoint = try await plugin.client.mount(volume, id: "one").checked().mountpoint
            try await plugin.kill()
            #expect(plugin.pid == nil)
            #expect(plugin.kernelState.mount(at: mountpoint) != nil)
            let footprint = try await Footprint(of: plugin, volumesStartingWith: volume)
            #expect(footprint.images == ["\(rig.pool)/\(volume)"])
            #expect(footprint.records.count == 2)
            return plugin
        }
        #expect(plugin.kernelState.isEmpty, "left: \(plugin.kernelState)")
        try await CephRig(rig).removeImage(volume, in: rig.pool)
        try await EtcdRig(rig).delete(prefix: plugin.settings.etcdPrefix)
    }

    @Test("A frozen plugin answers nobody until it is thawed, and ends in good order by SIGTERM")
    func frozen() async throws {
        try await PluginProcess.with(RigEnvironment.required()) { plugin in
            try await plugin.pause()
            await #expect(throws: ConnectionFailure.deadlinePassed) {
                try await PluginClient(socket: plugin.socket, within: .milliseconds(300)).capabilities()
            }
            plugin.resume()
            #expect(try await plugin.client.capabilities().scope == "global")
            let end = try await plugin.terminate()
            #expect(end == .exited(0), "\(plugin.log)")
            try await plugin.start()
            #expect(try await plugin.client.list().checked().volumes == [])
        }
    }

    @Test("A plugin that does not start is reported with its log")
    func refusedSettings() async throws {
        let rig = try RigEnvironment.required()
        let failure = await #expect(throws: RigFailure.self) {
            try await PluginProcess.with(rig, PluginSettings(others: ["RBD_MAPPER": "teleport"])) { _ in }
        }
        #expect(failure?.description.contains("RBD_MAPPER") == true)
    }
}

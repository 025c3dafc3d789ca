import Glibc
import Rig
import Testing

/// A node that falls asleep in the midst of a call, loses the volume to another one, wakes, and goes on with the call.
@Suite("Frozen after every effect")
struct FrozenInMidCallTests {
    private static let settings: [String: String?] = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]

    @Test("Whatever it was doing, it does the new owner no harm, lets go, and can have the volume back")
    func midCall() async throws {
        async let mounts = Self.inMidMount()
        async let unmounts = Self.inMidUnmount()
        async let takeOvers = Self.inMidTakeOver()
        print(
            "frozen, taken over and woken: \(try await mounts) points of a Mount, \(try await unmounts) of an Unmount,"
                + " \(try await takeOvers) of a take-over")
    }

    private static func inMidMount() async throws -> Int {
        try await inMidCall("Mount", prepare: { scene, name in try await scene.prepareVolume(name) }) { client, name in
            try await client.mount(name, id: "a")
        }
    }

    private static func inMidUnmount() async throws -> Int {
        try await inMidCall(
            "Unmount",
            prepare: { scene, name in
                try await scene.prepareVolume(name)
                try await scene.client.mount(name, id: "a").checked()
            }
        ) { client, name in
            try await client.unmount(name, id: "a")
        }
    }

    private static func inMidCall(
        _ caller: String, prepare: @Sendable (Scene, String) async throws -> Void,
        _ call: @escaping @Sendable (PluginClient, String) async throws -> PluginAnswer
    ) async throws -> Int {
        var count = 0
        try await Stage.withKillSwitch(settings: settings) { stage, killSwitch in
            let scene = Scene(stage: stage, killSwitch: killSwitch)
            try await stage.withAnotherNode(settings: settings) { there, _ in
                let unharmed = uniqueName("unharmed")
                try await prepare(scene, unharmed)
                try killSwitch.clear()
                try await call(stage.client, unharmed).checked()
                let points = try killSwitch.points(of: caller)
                try await stage.client.unmount(unharmed, id: "a").checked()
                let sleeper = Sleeper(stage: stage, plugin: stage.plugin, killSwitch: killSwitch)
                for point in points {
                    try await MissedPoint.retry {
                        let name = uniqueName("asleep")
                        try await prepare(scene, name)
                        try await sleeper.loses(name, holding: scene.bytes, to: there, asleepAfter: point, in: call)
                    }
                }
                count = points.count
            }
        }
        return count
    }

    private static func inMidTakeOver() async throws -> Int {
        var count = 0
        try await Stage.with(settings: settings) { stage in
            let killSwitch = try KillSwitch()
            let owner = DeadOwner(stage: stage)
            try await stage.withAnotherNode(settings: settings.merging(killSwitch.settings) { $1 }) { second, _ in
                let points = try await owner.points(ofTakeOverBy: second, killSwitch)
                let volumes = try await owner.mountAndDie(points.count)
                let sleeper = Sleeper(stage: stage, plugin: second, killSwitch: killSwitch)
                try await stage.withAnotherNode(settings: settings) { third, _ in
                    for (name, point) in zip(volumes, points) {
                        try await sleeper.loses(name, holding: owner.bytes, to: third, asleepAfter: point) {
                            try await $0.mount($1, id: "a")
                        }
                    }
                }
                count = points.count
            }
            try await killSwitch.sweep()
        }
        return count
    }
}

/// A node that is frozen right after an effect of its own.
private struct Sleeper {
    let stage: Stage
    let plugin: PluginProcess
    let killSwitch: KillSwitch

    private var client: PluginClient { Stage.client(of: plugin) }

    func loses(
        _ name: String, holding bytes: [UInt8], to there: PluginProcess, asleepAfter point: KillPoint,
        in call: @escaping @Sendable (PluginClient, String) async throws -> PluginAnswer
    ) async throws {
        let occasion = "asleep after \(point)"
        let (client, other) = (client, Stage.client(of: there))
        try killSwitch.arm(point, with: SIGSTOP)
        let answering = Task { try await call(client, name) }
        try await plugin.frozen(at: point, killSwitch)
        try await stage.endHeartbeat(of: plugin.settings.node)
        let taken = try await other.mount(name, id: "b")
        guard taken.succeeded else { throw RigFailure("\(occasion): \(taken.error)") }
        #expect(try read(taken.mountpoint + "/data") == bytes, "\(occasion)")
        try write("from the new owner", to: taken.mountpoint + "/file")
        try await expectShutOut(occasion)
        plugin.resume()
        // Success or not: what counts is that the volume is not touched any more.
        _ = try await answering.value
        try await eventually("the woken plugin to let go, \(occasion)") { plugin.kernelState.isEmpty }
        #expect(try await stage.mountRecord(of: name)?["owner"]?["node"] == .string(there.settings.node), "\(occasion)")
        #expect(try text(of: taken.mountpoint + "/file") == "from the new owner", "\(occasion)")
        #expect(try read(taken.mountpoint + "/data") == bytes, "\(occasion)")
        try await other.unmount(name, id: "b").checked()
        try await stage.expectSoundFilesystem(name, after: occasion)
        let back = try await client.mount(name, id: "c").checked().mountpoint
        #expect(try text(of: back + "/file") == "from the new owner", "\(occasion)")
        try await client.unmount(name, id: "c").checked()
    }

    /// What it has still mapped writes nothing any more: asked of the devices, which do not sleep.
    private func expectShutOut(_ occasion: String) async throws {
        for loop in plugin.kernelState.loopDevices {
            let arguments = ["if=/dev/zero", "of=\(loop.device)", "bs=4k", "count=1", "oflag=direct", "conv=notrunc"]
            #expect(try await !runTool("dd", arguments).succeeded, "\(occasion)")
        }
    }
}

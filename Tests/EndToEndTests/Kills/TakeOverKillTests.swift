import Rig
import Testing

/// `kill -9` after every single effect of a take-over from a node that has died.
@Suite("Killed in a take-over")
struct TakeOverKillTests {
    private static let settings: [String: String?] = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]

    @Test("The same node finishes it after its restart, or a third one; all old owners stay shut out, and let go")
    func finished() async throws {
        async let restarted = Self.finishedAfterRestart()
        async let third = Self.finishedByThirdNode()
        print("take-overs killed: \(try await restarted) finished after a restart, \(try await third) by a third node")
    }

    private static func finishedAfterRestart() async throws -> Int {
        var count = 0
        try await Stage.with(settings: settings) { stage in
            let killSwitch = try KillSwitch()
            let others = settings.merging(killSwitch.settings) { $1 }
            try await stage.withAnotherNode(settings: others) { there, other in
                let owner = DeadOwner(stage: stage)
                let points = try await owner.points(ofTakeOverBy: there, killSwitch)
                let volumes = try await owner.mountAndDie(points.count)
                for (name, point) in zip(volumes, points) {
                    let occasion = "a take-over killed after \(point)"
                    try await there.killed(at: point, killSwitch) { _ = try await other.mount(name, id: "b") }
                    try await there.start()
                    try await owner.expectTakenOver(name, by: there, occasion)
                }
                try await owner.comeBack(to: volumes)
                count = points.count
            }
            try await killSwitch.sweep()
        }
        return count
    }

    private static func finishedByThirdNode() async throws -> Int {
        var count = 0
        try await Stage.with(settings: settings) { stage in
            let owner = DeadOwner(stage: stage)
            let points = try await learnPoints(on: stage, owner)
            let volumes = try await owner.mountAndDie(points.count)
            try await stage.withAnotherNode(settings: settings) { third, _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (index, (name, point)) in zip(volumes, points).enumerated() {
                        if index >= 3 { try await group.next() }
                        group.addTask { try await finish(name, by: third, afterDeathAt: point, owner) }
                    }
                    try await group.waitForAll()
                }
                try await owner.comeBack(to: volumes)
            }
            count = points.count
        }
        return count
    }

    private static func learnPoints(on stage: Stage, _ owner: DeadOwner) async throws -> [KillPoint] {
        let killSwitch = try KillSwitch()
        var points: [KillPoint] = []
        try await stage.withAnotherNode(settings: settings.merging(killSwitch.settings) { $1 }) { there, _ in
            points = try await owner.points(ofTakeOverBy: there, killSwitch)
        }
        try await killSwitch.sweep()
        return points
    }

    /// A second node dies in its take-over; the third one gets the volume, and the second lets go when it is back.
    private static func finish(
        _ name: String, by third: PluginProcess, afterDeathAt point: KillPoint, _ owner: DeadOwner
    ) async throws {
        let killSwitch = try KillSwitch()
        let occasion = "a take-over killed after \(point), finished by a third node"
        try await owner.stage.withAnotherNode(settings: settings.merging(killSwitch.settings) { $1 }) {
            second, client in
            try await second.killed(at: point, killSwitch) { _ = try await client.mount(name, id: "b") }
            try await owner.stage.endHeartbeat(of: second.settings.node)
            try await owner.expectTakenOver(name, by: third, occasion) { try await expectShutOut(second, occasion) }
            try await second.start()
            try await eventually("the second node to let go, after \(occasion)") { second.kernelState.isEmpty }
        }
        try await killSwitch.sweep()
    }

    /// Whatever the node has still mapped, it cannot write there any more.
    private static func expectShutOut(_ plugin: PluginProcess, _ occasion: String) async throws {
        for loop in plugin.kernelState.loopDevices {
            let arguments = ["if=/dev/zero", "of=\(loop.device)", "bs=4k", "count=1", "oflag=direct", "conv=notrunc"]
            #expect(try await !runTool("dd", arguments).succeeded, "\(occasion)")
        }
    }
}

/// The stage's plugin as a node that has volumes mounted, and dies: its containers go on writing, as when only the
/// network to etcd is cut.
struct DeadOwner {
    let stage: Stage
    let bytes = randomBytes(256 << 10)

    /// Lets it die with a volume that the other node takes over unharmed.
    func points(ofTakeOverBy plugin: PluginProcess, _ killSwitch: KillSwitch) async throws -> [KillPoint] {
        let volumes = try await mountAndDie(1)
        try killSwitch.clear()
        let client = Stage.client(of: plugin)
        try await client.mount(volumes[0], id: "b").checked()
        let points = try killSwitch.points(of: "Mount")
        try await client.unmount(volumes[0], id: "b").checked()
        try killSwitch.clear()
        try await comeBack(to: [])
        return points
    }

    /// Creates volumes, mounts them with data in them, and dies.
    func mountAndDie(_ count: Int) async throws -> [String] {
        let volumes = (0..<count).map { _ in uniqueName("dead") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in volumes { group.addTask { try await mount(name) } }
            try await group.waitForAll()
        }
        try await stage.plugin.kill()
        try await stage.endHeartbeat(of: stage.plugin.settings.node)
        return volumes
    }

    private func mount(_ name: String) async throws {
        try await stage.client.create(name, options: stage.options(["size": "16"])).checked()
        let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
        try write(bytes, to: mountpoint + "/data")
        try await runTool("sync", ["--file-system", mountpoint]).checked()
    }

    /// Mounts the volume on the new node. All data is there, the old owner cannot write, and the new one can.
    func expectTakenOver(
        _ name: String, by plugin: PluginProcess, _ occasion: String, meanwhile: () async throws -> Void = {}
    ) async throws {
        let client = Stage.client(of: plugin)
        let answer = try await client.mount(name, id: "b")
        guard answer.succeeded else { throw RigFailure("\(occasion): \(answer.error)") }
        #expect(try read(answer.mountpoint + "/data") == bytes, "\(occasion)")
        let here = "\(stage.plugin.mountRoot)/\(name)"
        let late = try await runTool("dd", ["if=/dev/zero", "of=\(here)/late", "bs=4k", "count=1", "conv=fsync"])
        #expect(!late.succeeded, "\(occasion): the dead owner wrote")
        try await meanwhile()
        try write("from the new owner", to: answer.mountpoint + "/file")
        // A Mount that was killed may have counted.
        for _ in 0..<2 { try await client.unmount(name, id: "b").checked() }
        #expect(plugin.kernelState.mount(at: answer.mountpoint) == nil, "\(occasion)")
        #expect(try await stage.mountRecord(of: name) == nil, "\(occasion)")
        try await stage.expectSoundFilesystem(name, after: occasion)
    }

    /// The node is started again: it lets go of all that it has lost, and can have it back.
    func comeBack(to volumes: [String]) async throws {
        try await stage.plugin.start()
        try await eventually("the old owner to let go of what it has lost", within: .seconds(60)) {
            stage.plugin.kernelState.isEmpty
        }
        for name in volumes {
            let mountpoint = try await stage.client.mount(name, id: "c").checked().mountpoint
            #expect(try text(of: mountpoint + "/file") == "from the new owner")
            #expect(!exists(mountpoint + "/late"))
            try await stage.client.unmount(name, id: "c").checked()
        }
    }
}

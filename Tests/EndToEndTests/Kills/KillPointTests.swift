import Rig
import Testing

/// `kill -9` after every single effect of a call, the restart, and the same call again.
@Suite("Killed after every effect")
struct KillPointTests {
    @Test("The same call finishes it or fails as before, the data is intact, and nothing is left")
    func sameCallAgain() async throws { try await Self.run(KilledCall.successes + KilledCall.failures) }

    /// Each on a stage of its own, as many at a time as there is room for.
    private static func run(_ calls: [KilledCall]) async throws {
        try await withThrowingTaskGroup(of: String.self) { group in
            for call in calls {
                group.addTask {
                    do {
                        return "\(call.title): \(try await call.run()) points"
                    } catch {
                        throw RigFailure("\(call.title): \(error)")
                    }
                }
            }
            var report: [String] = []
            for try await line in group { report.append(line) }
            print("killed after every effect: " + report.sorted().joined(separator: "; "))
        }
    }

    @Test("Calls that are killed and never made again: the restarted plugin leaves nothing half done")
    func neverAgain() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (caller, call) in Self.calls { group.addTask { try await Self.neverAgain(caller, call) } }
            try await group.waitForAll()
        }
    }

    private static func neverAgain(
        _ caller: String, _ call: @escaping @Sendable (Scene, String) async throws -> Void
    ) async throws {
        try await Stage.withKillSwitch { stage, killSwitch in
            let scene = Scene(stage: stage, killSwitch: killSwitch)
            let prepared = { (stem: String) in
                let name = uniqueName(stem)
                if caller != "Create" { try await scene.prepareVolume(name) }
                if caller == "Unmount" { try await stage.client.mount(name, id: "a").checked() }
                return name
            }
            let unharmed = try await prepared("unharmed")
            try killSwitch.clear()
            try await call(scene, unharmed)
            for point in try killSwitch.points(of: caller) {
                try await MissedPoint.retry {
                    let name = try await prepared("alone")
                    try await stage.plugin.killed(at: point, killSwitch) { try await call(scene, name) }
                }
                try await stage.plugin.start()
            }
            let ghosts = GhostWatches(stage.ceph)
            try await eventually("each volume to be there wholly or not at all", within: .seconds(90)) {
                try await ghosts.exorcise()
                return try await Self.isAllWhole(stage)
            }
        }
    }

    @Test(
        "A name without an image, which a creation leaves that is killed inside librbd, goes", arguments: [true, false])
    func halfMadeImage(isAskedForAgain: Bool) async throws {
        try await Stage.withKillSwitch { stage, killSwitch in
            let name = uniqueName("half")
            let point = KillPoint(line: "Create: record volume creating", count: 1)
            try await stage.plugin.killed(at: point, killSwitch) {
                _ = try await stage.client.create(name, options: stage.options())
            }
            // What rbd_create does first: the name's object, and its entry in the directory.
            let image = stage.image(try await stage.unfinishedImage(of: name))
            try await stage.ceph.rbd("create", "--size", "32M", "--image-feature", "layering", image)
            let info = try JSONValue(parsing: try await stage.ceph.rbd("info", "--format", "json", image))
            let header = "rbd_header.\(try #require(info["id"]?.string))"
            try await stage.ceph.rados("--pool", stage.pool, "--namespace", stage.namespace, "rm", header)
            try await stage.plugin.start()
            if isAskedForAgain {
                try await stage.client.create(name, options: stage.options()).checked()
                try await stage.client.remove(name).checked()
            }
            try await stage.waitUntilUnchanged(since: Surroundings(facts: []), after: "a half-made image")
            #expect(try await stage.images() == [])
        }
    }

    private static let calls: [(String, @Sendable (Scene, String) async throws -> Void)] = [
        ("Create", { scene, name in try await scene.client.create(name, options: scene.stage.options()).checked() }),
        ("Mount", { scene, name in try await scene.client.mount(name, id: "a").checked() }),
        ("Unmount", { scene, name in try await scene.client.unmount(name, id: "a").checked() }),
    ]

    /// Each volume is ready and has its image, each record of a mount has its mount, and there is nothing else.
    private static func isAllWhole(_ stage: Stage) async throws -> Bool {
        let volumes = try await stage.etcd.keys(stage.prefix + "volumes/").map {
            String($0.dropFirst(stage.prefix.count + 8))
        }
        guard try await stage.images() == volumes.sorted() else { return false }
        for name in volumes where try await stage.record(of: name)?["phase"] != "ready" { return false }
        let mounts = try await stage.etcd.keys(stage.prefix + "mounts/").map {
            String($0.dropFirst(stage.prefix.count + 7))
        }
        for name in mounts where try await stage.mountRecord(of: name)?["state"] != "attached" { return false }
        let kernel = stage.plugin.kernelState
        return kernel.mounts.filter { $0.mountpoint.hasPrefix(stage.plugin.mountRoot) }.count == mounts.count
            && kernel.loopDevices.count == mounts.count && kernel.exports.count == mounts.count
    }
}

import Rig
import Testing

/// A stage on which the plugin gets killed.
struct Scene: Sendable {
    let stage: Stage
    let killSwitch: KillSwitch
    /// What is in the file `data` of each volume.
    let bytes = randomBytes(256 << 10)

    var client: PluginClient { stage.client }
}

/// A call that the plugin is killed in, after each of its effects, each time with another volume.
struct KilledCall: Sendable {
    /// What it is, in the test's words.
    let title: String
    /// Whose effects are meant: `Create`, or `background`.
    let caller: String
    /// Effects that are repeated until the kernel shows what is wanted: how often, no two runs agree on. The first one counts.
    var repeated: Set<String> = []
    /// What comes before the call.
    var prepare: @Sendable (Scene, String) async throws -> Void
    /// The call. It is made once unharmed, which tells the points, and must come to its end then.
    var call: @Sendable (Scene, String) async throws -> Void
    /// The same call after the restart, and what has to be true then. Leaves the volume mounted nowhere.
    var again: @Sendable (Scene, String, String) async throws -> Void
    /// What has to be true of all volumes at the end.
    var finally: @Sendable (Scene, [String]) async throws -> Void

    /// - Returns: how many points there were.
    func run() async throws -> Int {
        var count = 0
        try await Stage.withKillSwitch(settings: ["RBD_ALLOW_ADOPT": "true"]) { stage, killSwitch in
            let scene = Scene(stage: stage, killSwitch: killSwitch)
            var volumes = [uniqueName("unharmed")]
            let points = try await discover(scene, volumes[0])
            for point in points {
                try await MissedPoint.retry {
                    let name = uniqueName("killed")
                    volumes.append(name)
                    try await strike(scene, at: point, name)
                }
            }
            try await finally(scene, volumes)
            count = points.count
        }
        return count
    }

    private func strike(_ scene: Scene, at point: KillPoint, _ name: String) async throws {
        try await prepare(scene, name)
        do {
            try await scene.stage.plugin.killed(at: point, scene.killSwitch) { try await call(scene, name) }
        } catch let error as MissedPoint {
            try await again(scene, name, "\(title) that was not killed")
            throw error
        }
        try await scene.stage.plugin.start()
        try await again(scene, name, "\(title) killed after \(point)")
    }

    private func discover(_ scene: Scene, _ name: String) async throws -> [KillPoint] {
        try await prepare(scene, name)
        try scene.killSwitch.clear()
        try await call(scene, name)
        let points = try scene.killSwitch.points(of: caller).filter { $0.count == 1 || !repeated.contains($0.line) }
        try await again(scene, name, "\(title) that was not killed")
        return points
    }
}

extension Scene {
    /// Creates a volume with the file `data` in it, mounted nowhere.
    func prepareVolume(_ name: String, _ options: [String: String] = [:]) async throws {
        try await client.create(name, options: stage.options(["size": "16"].merging(options) { $1 })).checked()
        let mountpoint = try await client.mount(name, id: "before").checked().mountpoint
        try write(bytes, to: mountpoint + "/data")
        try await client.unmount(name, id: "before").checked()
    }

    /// Mounts it, once only in the kernel's eyes, finds the data, and unmounts it without a trace.
    func expectUsable(_ name: String, _ occasion: String) async throws {
        let answer = try await client.mount(name, id: "a")
        guard answer.succeeded else { throw RigFailure("\(occasion): \(answer.error)") }
        #expect(try read(answer.mountpoint + "/data") == bytes, "\(occasion)")
        let kernel = stage.plugin.kernelState
        #expect(kernel.loopDevices.count == 1 && kernel.exports.count == 1, "\(occasion): \(kernel)")
        // Whether a call before the crash counted is open: its answer was never given.
        for _ in 0..<2 { try await client.unmount(name, id: "a").checked() }
        try await expectReleased(name, occasion)
    }

    func expectGrown(_ name: String, _ occasion: String) async throws {
        try await eventually("the volume to have grown, \(occasion)") {
            guard try await stage.record(of: name)?["spec"]?["size"] == .integer(320 << 20) else { return false }
            return try await stage.etcd.keys(stage.prefix + "desired/").isEmpty
        }
    }

    func expectRolledBack(_ name: String, _ occasion: String) async throws {
        // A killed plugin shows as a watcher of the image for half a minute.
        try await eventually("the volume to be rolled back, \(occasion)", within: .seconds(90)) {
            let request = try await stage.operate("request", "get", name).checked().output
            return try JSONValue(parsing: request)["state"] == .string("done")
        }
    }

    func expectInForce(_ name: String, _ occasion: String) async throws {
        let wanted = JSONValue.object(["write-bps": .string("2M"), "discard": .string("online")])
        try await eventually("the values to be in force, \(occasion)") {
            try await stage.mountRecord(of: name)?["applied"] == wanted
        }
        let mount = stage.plugin.kernelState.mount(at: "\(stage.plugin.mountRoot)/\(name)")
        #expect(mount?.options.contains("discard") == true, "\(occasion): \(mount.debugDescription)")
    }

    func expectReleased(_ name: String, _ occasion: String) async throws {
        #expect(stage.plugin.kernelState.isEmpty, "\(occasion): \(stage.plugin.kernelState)")
        #expect(try await stage.mountRecord(of: name) == nil, "\(occasion)")
    }

    /// One image for each volume, whole, and no other; nothing mapped, and no record of a mount.
    func expectIntact(_ volumes: [String], _ occasion: String) async throws {
        var images: [String] = []
        let ghosts = GhostWatches(stage.ceph)
        try await eventually(
            "no other images than the volumes' after \(occasion), but: \(images)", within: .seconds(90)
        ) {
            try await ghosts.exorcise()
            images = try await stage.images()
            return images == volumes.sorted()
        }
        for name in volumes { try await stage.expectSoundFilesystem(name, after: occasion) }
        let records = try await stage.etcd.keys(stage.prefix).filter {
            !$0.contains("/nodes/") && !$0.hasSuffix("/cluster")
        }
        #expect(records == volumes.sorted().map { "\(stage.prefix)volumes/\($0)" }, "\(occasion)")
        #expect(stage.plugin.kernelState.isEmpty, "\(occasion): \(stage.plugin.kernelState)")
    }
}

import Rig

/// Create, Mount, Unmount and Remove by hand, by the floor and by the plugin, taken in turns, so that whatever else the
/// machine does meets all three.
struct Calls {
    let bench: Bench

    struct Three {
        var hand: [String: Samples] = [:]
        var floor: [String: Samples] = [:]
        var plugin: [String: Samples] = [:]
    }

    static let verbs = ["Create", "Mount", "Unmount", "Remove"]

    func measure(_ filesystem: String, size: String, bytes: UInt64) async throws -> Three {
        var three = Three()
        for round in 0...bench.repetitions {
            // The first round warms up: libraries, caches, the connection.
            var scratch = Three()
            try await byHand(filesystem, size, round, &scratch.hand)
            try await byFloor(filesystem, bytes, round, &scratch.floor)
            try await byPlugin(filesystem, size, round, &scratch.plugin)
            guard round > 0 else { continue }
            for verb in Self.verbs {
                three.hand[verb, default: Samples()].merge(scratch.hand[verb])
                three.floor[verb, default: Samples()].merge(scratch.floor[verb])
                three.plugin[verb, default: Samples()].merge(scratch.plugin[verb])
            }
        }
        return three
    }

    private func byHand(
        _ filesystem: String, _ size: String, _ round: Int, _ samples: inout [String: Samples]
    ) async throws {
        let (hand, image) = (bench.hand, "hand-\(filesystem)-\(size)-\(round)")
        try await samples["Create", default: Samples()].time {
            try await hand.create(image, size: size, filesystem: filesystem)
        }
        let path = try await samples["Mount", default: Samples()].time { try await hand.mount(image) }
        try await samples["Unmount", default: Samples()].time { try await hand.unmount(image, path) }
        try await samples["Remove", default: Samples()].time { try await hand.remove(image) }
    }

    /// The floor of a Mount is the mapping and mount(2).
    private func byFloor(
        _ filesystem: String, _ bytes: UInt64, _ round: Int, _ samples: inout [String: Samples]
    ) async throws {
        let (floor, image) = (bench.floor, "floor-\(filesystem)-\(bytes)-\(round)")
        try await samples["Create", default: Samples()].time {
            try await floor.create(image, bytes: bytes, filesystem: filesystem)
        }
        let path = try await samples["Mount", default: Samples()].time {
            let path = try await floor.map(image)
            try floor.mount(path, at: bench.hand.mountpoint, filesystem)
            return path
        }
        try await samples["Unmount", default: Samples()].time {
            try floor.unmount(bench.hand.mountpoint)
            try await floor.unmap(image, path)
        }
        try await samples["Remove", default: Samples()].time { try floor.remove(image) }
    }

    private func byPlugin(
        _ filesystem: String, _ size: String, _ round: Int, _ samples: inout [String: Samples]
    ) async throws {
        let (client, name) = (bench.plugin.client, "plugin-\(filesystem)-\(size)-\(round)")
        let options = ["pool": bench.rig.pool, "size": size, "fstype": filesystem]
        try await samples["Create", default: Samples()].time {
            try await client.create(name, options: options).checked()
        }
        try await samples["Mount", default: Samples()].time { try await client.mount(name, id: "bench").checked() }
        try await samples["Unmount", default: Samples()].time { try await client.unmount(name, id: "bench").checked() }
        try await samples["Remove", default: Samples()].time { try await client.remove(name).checked() }
    }

    /// So many Creates at once, and so many in a row by hand.
    func crowd(of count: Int) async throws -> (plugin: Duration, hand: Duration) {
        let client = PluginClient(socket: bench.plugin.socket, within: .seconds(300))
        let options = ["pool": bench.rig.pool, "size": "512"]
        let clock = ContinuousClock()
        let plugin = try await clock.measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask { try await client.create("crowd-\(number)", options: options).checked() }
                }
                try await group.waitForAll()
            }
        }
        for number in 0..<count { try await client.remove("crowd-\(number)").checked() }
        let hand = try await clock.measure {
            for number in 0..<count {
                try await bench.hand.create("crowd-\(number)", size: "512", filesystem: "ext4")
            }
        }
        for number in 0..<count { try await bench.hand.remove("crowd-\(number)") }
        return (plugin, hand)
    }

    /// What each call asks of etcd and of the OSDs, counted by the servers themselves.
    func requests() async throws -> [String: String] {
        let client = bench.plugin.client
        let counters = ServerCounters(bench.rig)
        var figures: [String: String] = [:]
        let options = ["pool": bench.rig.pool, "size": "512"]
        let calls: [(String, () async throws -> Void)] = [
            ("Create", { try await client.create("counted", options: options).checked() }),
            ("Mount", { try await client.mount("counted", id: "bench").checked() }),
            ("Get", { try await client.get("counted").checked() }),
            ("List", { try await client.list().checked() }),
            ("Path", { try await client.path("counted").checked() }),
            ("Unmount", { try await client.unmount("counted", id: "bench").checked() }),
            ("Remove", { try await client.remove("counted").checked() }),
        ]
        for (verb, call) in calls {
            let before = try await counters.read()
            try await call()
            let after = try await counters.read()
            figures["requests of \(verb)"] =
                "\(after.etcd - before.etcd) to etcd, \(after.osd - before.osd) operations of the OSD"
        }
        return figures
    }
}

extension Samples {
    mutating func merge(_ other: Samples?) {
        for duration in other?.all ?? [] { add(duration) }
    }
}

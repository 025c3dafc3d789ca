import Rig

/// Create, Mount, Unmount and Remove by hand, by the floor and by the plugin, taken in turns, so that whatever else the
/// machine does meets all three.
struct Calls {
    let bench: Bench

    struct Three {
        var hand: [String: Samples] = [:]
        var floor: [String: Samples] = [:]
        var plugin: [String: Samples] = [:]

        mutating func merge(_ other: Three) {
            hand.merge(other.hand) { $0.merging($1) }
            floor.merge(other.floor) { $0.merging($1) }
            plugin.merge(other.plugin) { $0.merging($1) }
        }
    }

    static let verbs = ["Create", "Mount", "Unmount", "Remove"]

    /// - Parameter mounts: whether the filesystem is mounted as well; otherwise it is made and removed.
    func measure(_ filesystem: String, size: String, bytes: UInt64, mounts: Bool = true) async throws -> Three {
        var three = Three()
        for round in 0...bench.repetitions {
            let times = try await once(filesystem, size: size, bytes: bytes, mounts: mounts, round)
            // The first round warms up: libraries, caches, the connection.
            if round > 0 { three.merge(times) }
        }
        return three
    }

    /// One round of all three.
    func once(
        _ filesystem: String, size: String, bytes: UInt64, mounts: Bool = true, _ round: Int
    ) async throws -> Three {
        var times = Three()
        try await byHand(filesystem, size, mounts, round, &times.hand)
        try await byFloor(filesystem, bytes, mounts, round, &times.floor)
        try await byPlugin(filesystem, size, mounts, round, &times.plugin)
        return times
    }

    private func byHand(
        _ filesystem: String, _ size: String, _ mounts: Bool, _ round: Int, _ samples: inout [String: Samples]
    ) async throws {
        let (hand, image) = (bench.hand, "hand-\(filesystem)-\(size)-\(round)")
        try await samples["Create", default: Samples()].time {
            try await hand.create(image, size: size, filesystem: filesystem)
        }
        if mounts {
            let path = try await samples["Mount", default: Samples()].time { try await hand.mount(image) }
            try await samples["Unmount", default: Samples()].time { try await hand.unmount(image, path) }
        }
        try await samples["Remove", default: Samples()].time { try await hand.remove(image) }
    }

    /// The floor of a Mount is the mapping and mount(2).
    private func byFloor(
        _ filesystem: String, _ bytes: UInt64, _ mounts: Bool, _ round: Int, _ samples: inout [String: Samples]
    ) async throws {
        let (floor, image) = (bench.floor, "floor-\(filesystem)-\(bytes)-\(round)")
        try await samples["Create", default: Samples()].time {
            try await floor.create(image, bytes: bytes, filesystem: filesystem)
        }
        if mounts {
            let path = try await samples["Mount", default: Samples()].time {
                let path = try await floor.map(image)
                try floor.mount(path, at: bench.hand.mountpoint, filesystem)
                return path
            }
            try await samples["Unmount", default: Samples()].time {
                try floor.unmount(bench.hand.mountpoint)
                try await floor.unmap(image, path)
            }
        }
        try await samples["Remove", default: Samples()].time { try floor.remove(image) }
    }

    private func byPlugin(
        _ filesystem: String, _ size: String, _ mounts: Bool, _ round: Int, _ samples: inout [String: Samples]
    ) async throws {
        let (client, name) = (bench.plugin.client, "plugin-\(filesystem)-\(size)-\(round)")
        let options = ["pool": bench.rig.pool, "size": size, "fstype": filesystem]
        try await samples["Create", default: Samples()].time {
            try await client.create(name, options: options).checked()
        }
        if mounts {
            try await samples["Mount", default: Samples()].time {
                try await client.mount(name, id: "bench").checked()
            }
            try await samples["Unmount", default: Samples()].time {
                try await client.unmount(name, id: "bench").checked()
            }
        }
        try await samples["Remove", default: Samples()].time { try await client.remove(name).checked() }
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

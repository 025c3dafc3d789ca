import Rig
import Testing

/// Snapshots that the plugin takes by itself, on real Ceph.
@Suite("Snapshots by schedule, on real servers")
struct SnapshotScheduleTests {
    @Test("Every slot is taken once and as many stay as are to, across a restart, a crash and another node")
    func slots() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("timed", ["fstype": "ext4", "size": "64"])
            try await stage.operate("volume", "set", name, "snapshots.frequency=5s", "snapshots.keep=3").checked()
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            var slots = SeenSlots(stage: stage, volume: name)
            try await slots.see(2, more: "in the beginning")

            let held = try #require(slots.newest)
            _ = try await stage.operate("snapshot", "hold", name, held).checked()
            _ = try await stage.operate("snapshot", "create", name, "mine").checked()
            _ = try await stage.ceph.rbd("snap", "create", "--no-progress", stage.image(name) + "@theirs")
            try await slots.see(2, more: "with one that is held")
            try await stage.plugin.terminate()
            try await stage.plugin.start()
            try await slots.see(2, more: "after a restart")
            try await stage.plugin.kill()
            try await stage.plugin.start()
            try await slots.see(2, more: "after a crash")

            try await stage.withAnotherNode { there, other in
                try await stage.client.unmount(name, id: "a").checked()
                let mountpoint = try await other.mount(name, id: "b").checked().mountpoint
                #expect(try text(of: mountpoint + "/file") == "kept")
                try await slots.see(2, more: "on the other node", by: there.settings.node)
                let schedule = try await other.get(name).checked().volume?.status["schedule"]
                #expect(schedule?["every"] == "5s" && schedule?["keep"] == "3")
                #expect(schedule?["last"]?.string != nil && schedule?["next"]?.string != nil)
                try await other.unmount(name, id: "b").checked()
                // Whichever node gets to it takes the last one, and its filesystem is whole.
                try await eventually("the snapshot after the last owner", within: .seconds(180)) {
                    try await slots.look().last { $0["kind"] == "scheduled" }?["content"] == "unmounted"
                }
            }
            try await eventually("three scheduled snapshots to stay, beside the held one") {
                let all = try await slots.look()
                return all.filter { $0["kind"] == "scheduled" && $0["held"] == false }.count == 3
            }
            let rest = try await slots.look().filter { $0["kind"] != "scheduled" || $0["held"] == true }
            #expect(rest.map { $0["name"] } == [.string(held), "mine", "theirs"])
            #expect(try await stage.operate("snapshot", "ls", name).checked().output.contains("scheduled"))
            try await remove(name, held: held, stage)
        }
    }

    private func remove(_ name: String, held: String, _ stage: Stage) async throws {
        _ = try await stage.operate("volume", "set", name, "snapshots=off").checked()
        for snapshot in ["mine", "theirs"] {
            _ = try await stage.ceph.rbd("snap", "rm", "--no-progress", "\(stage.image(name))@\(snapshot)")
        }
        _ = try await stage.operate("snapshot", "unhold", name, held).checked()
        let scheduled = try await stage.operate("snapshot", "ls", name).checked().output
        #expect(scheduled.contains(held), "\(scheduled)")
        // What was taken by schedule goes along.
        try await stage.client.remove(name).checked()
        try await eventually("the image to be deleted", within: .seconds(60)) { try await stage.trash() == [] }
    }

    @Test("The policy for an archive has tiers, which hold for a volume that has a frequency of its own")
    func tiers() async throws {
        try await Stage.with { stage in
            let examples = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/examples"
            try await stage.operate(["policy", "upload", "archive"], reading: "\(examples)/policy-archive.json")
                .checked()
            let name = try await stage.volume("tiers", ["policy": "archive", "snapshots.frequency": "5s"])
            _ = try await stage.client.mount(name, id: "a").checked()
            var slots = SeenSlots(stage: stage, volume: name)
            try await slots.see(4, more: "with tiers")
            let shown = try JSONValue(
                parsing: try await stage.operate("volume", "get", name, "--json").checked().output)
            #expect(
                shown.array.contains {
                    $0["option"] == "snapshots.keep" && $0["wanted"] == "24h,7d,4w,12m"
                        && $0["from"] == "policy archive"
                })
            try await stage.client.unmount(name, id: "a").checked()
            _ = try await stage.operate("volume", "set", name, "snapshots=off").checked()
            // At most one for each of two hours, and one that was just taken.
            #expect(try await slots.look().count <= 3)
            try await eventually("no scheduled snapshot to be left") {
                _ = try await stage.operate("snapshot", "rm", name, "--scheduled").checked()
                return try await slots.look().isEmpty
            }
            try await stage.client.remove(name).checked()
        }
    }
}

/// The slots whose snapshots have been seen, each with Ceph's number of it.
private struct SeenSlots {
    let stage: Stage
    let volume: String
    private(set) var numbers: [String: Int64] = [:]
    private(set) var newest: String?

    init(stage: Stage, volume: String) { (self.stage, self.volume) = (stage, volume) }

    /// All snapshots, oldest first. That of a slot is always the same one.
    mutating func look() async throws -> [JSONValue] {
        let all = try JSONValue(
            parsing: try await stage.operate("snapshot", "ls", volume, "--json").checked().output
        ).array
        for snapshot in all where snapshot["kind"] == "scheduled" {
            guard let name = snapshot["name"]?.string, let number = snapshot["id"]?.integer else { continue }
            #expect(numbers[name, default: number] == number, "\(name) was taken twice")
            #expect(snapshot["slot"]?.string?.filter { $0 != "-" && $0 != ":" } == String(name.dropFirst(5)))
            numbers[name] = number
            newest = name
        }
        return all
    }

    /// Waits until so many slots more have been seen.
    mutating func see(_ count: Int, more occasion: String, by node: String? = nil) async throws {
        _ = try await look()
        let before = numbers.count
        var isByNode = node == nil
        try await eventually("\(count) more slots \(occasion)", within: .seconds(120)) {
            let all = try await look()
            isByNode = isByNode || all.contains { $0["by"]?.string == node }
            return numbers.count >= before + count && isByNode
        }
    }
}

import Rig

/// The same calls over a wire with delay: how many requests of a call wait for each other, whatever the machine. The slope
/// of a call's time over the delay is the number of its round trips in a row.
///
/// Runs inside `rig/wire`, which says in RIG_WIRE that there is a wire.
struct Wire {
    let bench: Bench

    /// What a round trip takes longer, in milliseconds. The last one serves the slope alone.
    private static let delays = [0, 0.2, 1, 5, 25]
    private static let steepest = 25.0

    static var isThere: Bool { Bench.text("RIG_WIRE") != nil }

    func measure(_ report: inout Report) async throws {
        report.leaveOut("round trips with krbd", since: "the machine that has the kernel's driver is not behind a wire")
        try await set(0)
        report.figures.merge(try await Calls(bench: bench).requests()) { $1 }
        let goals: [String: Double] = ["Create": 50, "Mount": 60, "Unmount": 8, "Remove": 40]
        for filesystem in ["ext4", "xfs"] { try await measure(filesystem, goals, &report) }
        try await measureTools(&report)
    }

    private func measure(_ filesystem: String, _ goals: [String: Double], _ report: inout Report) async throws {
        Bench.say("512 MB \(filesystem), \(bench.repetitions) rounds at each of \(Self.delays) ms a round trip")
        var at: [Double: Calls.Three] = [:]
        // The delays take turns, so that whatever else the machine does meets all of them.
        for round in 0...bench.repetitions {
            for delay in Self.delays {
                try await set(delay)
                let times = try await Calls(bench: bench).once(filesystem, size: "512", bytes: 512 << 20, round)
                if round > 0 { at[delay, default: .init()].merge(times) }
            }
        }
        try await set(0)
        for verb in Calls.verbs {
            let what = "\(verb) 512 MB \(filesystem)"
            let plugin = at.compactMapValues { $0.plugin[verb] }
            let (hand, floor) = (at.compactMapValues { $0.hand[verb] }, at.compactMapValues { $0.floor[verb] })
            let trips = Self.roundTrips(plugin)
            report.add(.init(what, trips, .roundTrips, against: "goal", goals[verb] ?? trips, goal: 1))
            report.add(.init(what, trips, .roundTrips, against: "by hand", Self.roundTrips(hand), goal: nil))
            report.add(.init(what, trips, .roundTrips, against: "floor", Self.roundTrips(floor), goal: nil))
            if let ours = plugin[1], let theirs = hand[1] {
                report.add("\(what) at 1 ms", ours, against: "by hand", theirs.median)
            }
            let times = Self.delays.dropLast().map { delay in
                "\((plugin[delay]?.median.milliseconds ?? 0).shown) (by hand \((hand[delay]?.median.milliseconds ?? 0).shown))"
            }
            report.figures["\(what), ms at 0, 0.2, 1 and 5 ms a round trip"] = times.joined(separator: ", ")
        }
    }

    /// One tool alone, which connects, does one thing and ends.
    private func measureTools(_ report: inout Report) async throws {
        Bench.say("rbd create, rbd info and rbd rm alone")
        let (ceph, image) = (CephRig(bench.rig), "\(bench.rig.pool)/tools")
        let tools = [
            ("rbd create", ["create", "--size", "512", image]), ("rbd info", ["info", image]),
            ("rbd rm", ["rm", "--no-progress", image]),
        ]
        var at: [String: [Double: Samples]] = [:]
        for delay in Array(repeating: [0, Self.steepest], count: bench.repetitions).joined() {
            try await set(delay)
            for (tool, arguments) in tools {
                try await at[tool, default: [:]][delay, default: Samples()].time {
                    try await ceph.run("rbd", arguments).checked()
                }
            }
        }
        try await set(0)
        for (tool, times) in at { report.figures["\(tool) alone"] = "\(Self.roundTrips(times).shown) round trips" }
    }

    private static func roundTrips(_ times: [Double: Samples]) -> Double {
        guard let still = times[0], let slow = times[steepest] else { return 0.1 }
        // The fastest of each: the wire adds the same to all of them, and what else the machine does comes on top.
        return max(0.1, (slow.fastest.milliseconds - still.fastest.milliseconds) / steepest)
    }

    private func set(_ delay: Double) async throws {
        try await runTool("\(bench.rig.scripts)/wire", ["delay", "\(delay)"]).checked()
    }
}

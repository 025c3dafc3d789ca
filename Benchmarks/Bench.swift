import FoundationEssentials
import Glibc
import Rig

/// `make bench`: what the plugin's calls cost, each as a ratio to a baseline measured in the same run. Absolute times say
/// more of the machine than of the plugin.
///
/// BENCH_REPETITIONS (20, and 5 over a wire), BENCH_VOLUMES (100,10000,100000), BENCH_JSON and BENCH_SVG (files to write).
/// BENCH_CALLS=1 leaves out all but the calls that make and use volumes: for a machine that has only what the plugin needs.
/// Inside `rig/wire` it measures what a delay of the network costs, and nothing else.
@main
struct Bench {
    let rig: RigEnvironment
    let plugin: PluginProcess
    let hand: ByHand
    let floor: Floor
    let repetitions: Int

    static func main() async {
        do {
            try await run()
        } catch {
            say("failed: \(error)")
            exit(1)
        }
    }

    private static func run() async throws {
        let rig = try RigEnvironment.required()
        let plugin = try PluginProcess(rig, PluginSettings(others: settings))
        let folder = "\(plugin.scratch.path)/hand"
        try FileManager.default.createDirectory(atPath: "\(folder)/mnt", withIntermediateDirectories: true)
        let device = HandDevice(rig, folder: folder)
        let floor = try Floor(rig, device: device, folder: folder)
        let bench = Bench(
            rig: rig, plugin: plugin, hand: ByHand(rig: rig, device: device, mountpoint: "\(folder)/mnt"),
            floor: floor, repetitions: number("BENCH_REPETITIONS") ?? (Wire.isThere ? 5 : 20))
        do {
            let report = try await bench.measure()
            floor.close()
            try await plugin.end()
            try deliver(report)
        } catch {
            let log = plugin.log
            floor.close()
            try? await plugin.end()
            throw RigFailure("\(error)\nThe plugin's log ends with:\n\(log.suffix(3000))")
        }
    }

    /// Settings of the plugin, as a slow machine needs them: `BENCH_SETTINGS='NAME=VALUE NAME=VALUE'`.
    private static var settings: [String: String?] {
        var settings: [String: String?] = ["LOG_LEVEL": "error"]
        for pair in (text("BENCH_SETTINGS") ?? "").split(separator: " ") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { settings[parts[0]] = parts[1] }
        }
        return settings
    }

    private func measure() async throws -> Report {
        var report = Report(mapper: hand.device.name, repetitions: repetitions)
        if Wire.isThere {
            try await plugin.start()
            try await Wire(bench: self).measure(&report)
            return report
        }
        Self.say("start")
        try await Start(bench: self).measure(&report)
        try await measureCalls(&report)
        try await measureLarge(&report)
        try await Crowd(bench: self).measure(&report)
        try await Companion(bench: self).measure(&report)
        guard Self.number("BENCH_CALLS") != 1 else {
            report.leaveOut("requests to the servers, memory, many volumes", since: "BENCH_CALLS is 1")
            return report
        }
        Self.say("requests to the servers")
        report.figures.merge(try await Calls(bench: self).requests()) { $1 }
        try await ManyCalls(bench: self).measure(&report)
        let counts = Self.text("BENCH_VOLUMES") ?? "100,10000,100000"
        try await ManyVolumes(bench: self, counts: counts.split(separator: ",").compactMap { Int($0) }).measure(&report)
        return report
    }

    /// Both filesystems of the goals, and btrfs as far as this machine has it.
    private func measureCalls(_ report: inout Report) async throws {
        let goals: [String: (hand: Double, floor: Double)] = [
            "Create": (0.10, 1.5), "Mount": (0.20, 2), "Unmount": (0.20, 2), "Remove": (0.50, 1.3),
        ]
        for filesystem in ["ext4", "xfs"] { try await measureCalls(filesystem, goals: goals, &report) }
        guard LocalFilesystems.canMake("btrfs") else {
            return report.leaveOut("btrfs", since: "mkfs.btrfs is not installed")
        }
        let mounts = try await LocalFilesystems.canMount("btrfs")
        if !mounts { report.leaveOut("Mount and Unmount of btrfs", since: "the kernel has no btrfs driver") }
        try await measureCalls("btrfs", goals: [:], mounts: mounts, &report)
    }

    private func measureCalls(
        _ filesystem: String, goals: [String: (hand: Double, floor: Double)], mounts: Bool = true,
        _ report: inout Report
    ) async throws {
        Self.say("512 MB \(filesystem), \(repetitions) rounds by hand, by the floor, by the plugin")
        let three = try await Calls(bench: self).measure(filesystem, size: "512", bytes: 512 << 20, mounts: mounts)
        for verb in Calls.verbs {
            guard let plugin = three.plugin[verb], let hand = three.hand[verb], let floor = three.floor[verb] else {
                continue
            }
            let what = "\(verb) 512 MB \(filesystem)"
            report.add(what, plugin, against: "by hand", hand.median, goal: goals[verb]?.hand)
            report.add(what, plugin, against: "floor", floor.median, goal: goals[verb]?.floor)
        }
    }

    private func measureLarge(_ report: inout Report) async throws {
        Self.say("Create 100 GB ext4, and 512 MB, in turns")
        var (small, large) = (Samples(), Samples())
        for round in 0...repetitions {
            let once = (
                try await createAndRemove("small-\(round)", "512"), try await createAndRemove("large-\(round)", "100G")
            )
            guard round > 0 else { continue }
            small.add(once.0)
            large.add(once.1)
        }
        report.add("Create 100 GB ext4", large, against: "our own 512 MB", small.median, goal: 3)
    }

    /// - Returns: how long the Create took.
    private func createAndRemove(_ name: String, _ size: String) async throws -> Duration {
        let took = try await ContinuousClock().measure {
            try await plugin.client.create(name, options: ["pool": rig.pool, "size": size]).checked()
        }
        try await plugin.client.remove(name).checked()
        return took
    }

    private static func deliver(_ report: Report) throws {
        print(report.table)
        if let file = text("BENCH_JSON") { try report.json().write(to: URL(filePath: file)) }
        if let file = text("BENCH_SVG") { try Data(report.chart.utf8).write(to: URL(filePath: file)) }
    }

    /// A variable of the environment; `nil` when it is not set or empty.
    static func text(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    static func number(_ name: String) -> Int? { text(name).flatMap { Int($0) } }

    static func say(_ text: String) {
        let line = Array("bench: \(text)\n".utf8)
        write(STDERR_FILENO, line, line.count)
    }
}

import FoundationEssentials
import Glibc
import Rig

/// A moment in a plugin's work: right after one of its effects.
struct KillPoint: Sendable, Hashable, CustomStringConvertible {
    /// On whose behalf, and what: `Mount: map image`.
    let line: String
    /// Which of them, from 1.
    let count: Int

    var description: String { count == 1 ? "'\(line)'" : "'\(line)' (\(count))" }
}

/// Says where a plugin is struck, and hears what it has done. Works with debug builds of the plugin only.
struct KillSwitch: Sendable {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder("k", of: .required()) }

    /// What the plugin has to be started with.
    var settings: [String: String?] { ["RBD_PLUGIN_KILL_POINTS": folder.path] }

    /// Forgets what was passed. Nothing strikes any more.
    func clear() throws {
        for file in ["strike", "passed"] where exists("\(folder.path)/\(file)") {
            try FileManager.default.removeItem(atPath: "\(folder.path)/\(file)")
        }
    }

    /// From now on counted, the plugin gets the signal at that point.
    func arm(_ point: KillPoint, with signal: Int32 = SIGKILL) throws {
        try clear()
        try write("\(point.line)\n\(point.count)\n\(signal)\n", to: folder.path + "/strike")
    }

    /// All points that were passed since, in order.
    func passed() throws -> [KillPoint] {
        guard exists(folder.path + "/passed") else { return [] }
        var counts: [String: Int] = [:]
        return try text(of: folder.path + "/passed").split(separator: "\n").map { line in
            counts[String(line), default: 0] += 1
            return KillPoint(line: String(line), count: counts[String(line), default: 0])
        }
    }

    /// Those of one call, or of the plugin's own work (`background`).
    ///
    /// - Throws: ``RigFailure`` when there are none: every call that is worth killing does something.
    func points(of caller: String) throws -> [KillPoint] {
        var points: [KillPoint] = []
        for point in try passed() where point.line.hasPrefix("\(caller): ") {
            // What is tried again for a while is tried another number of times each time: the first two of them will do.
            if points.suffix(2).allSatisfy({ $0.line == point.line }) && points.count >= 2 { continue }
            points.append(point)
        }
        guard !points.isEmpty else {
            throw RigFailure(
                "the plugin passed no point of \(caller): it has to be a debug build, which `make test` makes")
        }
        return points
    }

    func sweep() async throws { try await folder.sweep() }
}

extension Stage {
    /// A stage whose plugin can be struck.
    static func withKillSwitch(
        settings: [String: String?] = [:], _ body: (Stage, KillSwitch) async throws -> Void
    ) async throws {
        let killSwitch = try KillSwitch()
        do {
            try await Stage.with(settings: killSwitch.settings.merging(settings) { $1 }) { stage in
                try await body(stage, killSwitch)
            }
        } catch {
            try? await killSwitch.sweep()
            throw error
        }
        try await killSwitch.sweep()
    }
}

/// A plugin did not come to a point. Its look at all mappings, every two seconds, can do for a call what that call would
/// have done: it may be tried again with another volume.
struct MissedPoint: Error, CustomStringConvertible {
    let point: KillPoint
    let passed: [KillPoint]

    var description: String { "the plugin did not come to \(point), but passed \(passed)" }

    /// Tries one volume after another.
    /// - Parameter strike: throws this error when the point was missed.
    static func retry(_ strike: () async throws -> Void) async throws {
        for _ in 1...2 {
            do { return try await strike() } catch let error as MissedPoint { print("again, since \(error)") }
        }
        try await strike()
    }
}

extension PluginProcess {
    /// Lets the plugin be killed at the point of a call.
    /// - Throws: ``MissedPoint`` when it has not come there.
    func killed(
        at point: KillPoint, _ killSwitch: KillSwitch, during call: @escaping @Sendable () async throws -> Void
    ) async throws {
        try killSwitch.arm(point)
        // The connection breaks; or the plugin does not even come to listen.
        let calling = Task { try? await call() }
        do {
            try await eventually("the plugin to come to \(point)") { try killSwitch.passed().contains(point) }
        } catch {
            calling.cancel()
            let passed = try killSwitch.passed()
            try killSwitch.clear()
            throw MissedPoint(point: point, passed: passed)
        }
        let ending = try await waitForEnd()
        calling.cancel()
        await calling.value
        try killSwitch.clear()
        guard ending == .signalled(SIGKILL) else { throw RigFailure("after \(point), the plugin ended: \(ending)") }
    }

    /// Lets the plugin freeze itself at the point of a call, and returns when it has.
    /// - Throws: ``MissedPoint`` when it has not come there.
    func frozen(at point: KillPoint, _ killSwitch: KillSwitch) async throws {
        do {
            try await eventually("the plugin to freeze after \(point)") { try killSwitch.passed().contains(point) }
        } catch {
            let passed = try killSwitch.passed()
            try killSwitch.clear()
            throw MissedPoint(point: point, passed: passed)
        }
        try await pause()
        try killSwitch.clear()
    }
}

import Synchronization
import VolumeCore

extension World {
    /// What the clock of a node shows: the world's time, at its own pace.
    public func clock(of name: String) -> Moment {
        guard let node = nodes[name] else { return Moment(sinceOrigin: now) }
        return Moment(sinceOrigin: now * node.clockPace / 1000 + node.clockOffset)
    }

    /// What the wall clock of a node shows. The world begins with 2026.
    public func wallClock(of name: String) -> WallTime {
        WallTime(seconds: 1_767_225_600) + clock(of: name).sinceOrigin + (nodes[name]?.wallOffset ?? .zero)
    }
}

/// The clock of one node. It stands still but for `World.advance`, and for `sleep`, which moves the world on to the
/// moment of waking up.
public struct ManualClock: DriverClock {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func now() -> Moment { process.cluster.mutate { $0.clock(of: process.node) } }

    public func wallTime() -> WallTime { process.cluster.mutate { $0.wallClock(of: process.node) } }

    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        // Who sleeps again and again must not keep the others from running: no time passes here while they do.
        await Task.yield()
        let wake = process.cluster.world.now + duration
        try await process.perform(.sleep, "\(duration)", lasting: duration) { $0.advance(to: wake) }
        try Task.checkCancellation()
    }
}

/// Tokens that are the same in every run with the same seed.
public final class SeededTokens: TokenSource {
    private let state: Mutex<UInt64>

    public init(seed: UInt64) { state = Mutex(seed) }

    /// 16 hexadecimal digits, by SplitMix64.
    public func token() -> String {
        let mixed = state.withLock { state in
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
            return word ^ (word >> 31)
        }
        let digits = String(mixed, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

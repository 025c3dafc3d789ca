import FoundationEssentials
import VolumeCore

/// The machine's clocks. The monotonic one goes on while the machine is suspended.
public struct SystemClock: DriverClock {
    private static let origin = ContinuousClock.now

    public init() {}

    public func now() -> Moment { Moment(sinceOrigin: Self.origin.duration(to: .now)) }

    public func wallTime() -> WallTime { WallTime(seconds: Int64(Date.now.timeIntervalSince1970.rounded(.down))) }

    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration, clock: .continuous)
    }
}

/// Random tokens of 96 bits, as 24 hexadecimal digits: they appear in image names, which people have to read.
public struct RandomTokens: TokenSource {
    public init() {}

    public func token() -> String {
        (0..<3).map { _ in
            let digits = String(UInt32.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }
}

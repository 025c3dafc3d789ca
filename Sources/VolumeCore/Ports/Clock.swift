/// Time, as far as the driver needs it.
public protocol DriverClock: Sendable {
    /// Monotonic.
    func now() -> Moment
    /// The wall clock.
    func wallTime() -> WallTime
    func sleep(for duration: Duration) async throws
}

extension DriverClock {
    /// The wall clock as RFC 3339 in UTC, for people to read.
    public func timestamp() -> String { wallTime().description }
}

/// Where unguessable tokens come from: volume uids, attempts.
public protocol TokenSource: Sendable {
    func token() -> String
}

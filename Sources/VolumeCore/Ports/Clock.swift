/// Time, as far as the driver needs it.
public protocol DriverClock: Sendable {
    /// Monotonic.
    func now() -> Moment
    /// The wall clock as RFC 3339 in UTC, for people to read.
    func timestamp() -> String
    func sleep(for duration: Duration) async throws
}

/// Where unguessable tokens come from: volume uids, attempts.
public protocol TokenSource: Sendable {
    func token() -> String
}

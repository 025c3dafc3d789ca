/// A point on the monotonic clock, as the time since that clock's origin.
public struct Moment: Sendable, Hashable, Comparable {
    public let sinceOrigin: Duration

    public init(sinceOrigin: Duration) { self.sinceOrigin = sinceOrigin }

    public static func < (left: Self, right: Self) -> Bool { left.sinceOrigin < right.sinceOrigin }
    public static func + (moment: Self, duration: Duration) -> Moment {
        Moment(sinceOrigin: moment.sinceOrigin + duration)
    }
    public static func - (later: Self, earlier: Self) -> Duration { later.sinceOrigin - earlier.sinceOrigin }
}

/// When the operation that is running has to have ended. Adapters cut their own time-outs down to it.
///
/// A task-local value, so that every call below an operation sees it without each signature passing it on.
public enum Deadline {
    @TaskLocal public static var current: Moment?

    /// The smaller of `timeout` and the time that is left until the deadline; never negative.
    public static func limiting(_ timeout: Duration, now: Moment) -> Duration {
        guard let current else { return timeout }
        return max(.zero, min(timeout, current - now))
    }
}

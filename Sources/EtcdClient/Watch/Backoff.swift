/// Growing pauses between attempts, each with some chance in it, so that many clients do not come back at once.
struct Backoff {
    private let timing: WatchTiming
    private var failures = 0

    init(_ timing: WatchTiming) {
        self.timing = timing
    }

    mutating func reset() {
        failures = 0
    }

    /// Between half and all of: the shortest pause, doubled with each failure in a row, up to the longest.
    mutating func next() -> Duration {
        let full = min(timing.longestBackoff, timing.shortestBackoff * (1 << min(failures, 16)))
        failures += 1
        return full * Double.random(in: 0.5...1)
    }
}

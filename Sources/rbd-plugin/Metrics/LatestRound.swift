import Synchronization

/// When the plugin last came to the end of a round of looking after its mounts.
final class LatestRound: Sendable {
    private let ended = Mutex<ContinuousClock.Instant?>(nil)

    func end() { ended.withLock { $0 = .now } }

    /// `nil` when there has been none.
    var age: Duration? { ended.withLock { $0 }.map { .now - $0 } }
}

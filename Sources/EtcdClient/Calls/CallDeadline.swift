/// The moment by which a call has to be over.
struct CallDeadline: Sendable {
    let instant: ContinuousClock.Instant

    static func after(_ duration: Duration) -> CallDeadline {
        CallDeadline(instant: .now.advanced(by: duration))
    }

    /// Negative once it has passed.
    var remaining: Duration { ContinuousClock.now.duration(to: instant) }

    var hasPassed: Bool { remaining <= .zero }

    /// Runs `operation` until it ends or the deadline cancels it. nil when it had nothing to show by then.
    ///
    /// `operation` has to return soon after it is cancelled. What it returns is never lost, however close the race.
    func race<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value?) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await operation() }
            group.addTask {
                try? await Task.sleep(until: instant, clock: .continuous)
                return nil
            }
            var winner: Value?
            for await value in group {
                winner = winner ?? value
                group.cancelAll()
            }
            return winner
        }
    }
}

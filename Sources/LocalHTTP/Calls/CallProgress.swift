/// Who still waits for a call while its work runs: the client, or nobody any more. Without any effect of its own.
package struct CallProgress: Equatable, Sendable {
    /// Why nobody waits.
    package enum Abandonment: String, Sendable {
        case budgetRanOut = "the call had been answered with a time-out"
        case clientLeft = "the client had closed its connection"
        case replyLost = "the client closed its connection without reading the reply"
    }

    enum Ending: Equatable {
        case answer
        /// Nobody waits: a mount has to be undone, everything else stands.
        case late(Abandonment)
    }

    private enum State: Equatable {
        case running
        case abandoned(Abandonment)
        case ended
    }

    private var state = State.running

    /// True when the client has to be told now.
    mutating func budgetRanOut() -> Bool {
        abandon(.budgetRanOut)
    }

    /// True when the client left before it had its answer.
    mutating func clientLeft() -> Bool {
        abandon(.clientLeft)
    }

    mutating func workEnded() -> Ending {
        if case .abandoned(let why) = state { return .late(why) }
        state = .ended
        return .answer
    }

    private mutating func abandon(_ why: Abandonment) -> Bool {
        guard state == .running else { return false }
        state = .abandoned(why)
        return true
    }
}

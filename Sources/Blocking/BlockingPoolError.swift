/// Why a call on a ``BlockingPool`` gave no result.
package enum BlockingPoolError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The deadline passed. `started` tells whether the call had begun: if it had, it goes
    /// on in its thread and what it does is unknown; if not, it will never run.
    case timedOut(call: String, after: Duration, started: Bool)
    /// Every thread sits in a call whose deadline has passed. The call was not made.
    case exhausted(call: String, threads: Int, stuckIn: [String])
    /// Too many calls wait already. The call was not made.
    case queueFull(call: String, waiting: Int)
    /// The system gave no thread. The call was not made.
    case noThread(call: String, code: CInt)
    /// The pool was shut down. The call was not made.
    case closed(call: String)

    package var description: String {
        switch self {
        case .timedOut(let call, let limit, true):
            "\(call) gave no answer within \(inWords(limit)); it is still running and its outcome is unknown"
        case .timedOut(let call, let limit, false) where limit <= .zero:
            "\(call) was not made: the operation's time was up"
        case .timedOut(let call, let limit, false):
            "\(call) found no free thread within \(inWords(limit)) and was not made"
        case .exhausted(let call, let threads, let stuckIn):
            "\(call) was not made: all \(threads) threads are stuck in \(stuckIn.joined(separator: ", "))"
        case .queueFull(let call, let waiting):
            "\(call) was not made: \(waiting) calls are already waiting"
        case .noThread(let call, let code):
            "\(call) was not made: no thread could be started (error \(code))"
        case .closed(let call):
            "\(call) was not made: its threads have been shut down"
        }
    }
}

/// `10 s`, `2.5 s`, `300 ms`.
private func inWords(_ limit: Duration) -> String {
    let milliseconds = Int64(min(limit / .milliseconds(1), 9e15).rounded())
    guard milliseconds >= 1000 else { return "\(milliseconds) ms" }
    let tenths = (milliseconds + 50) / 100
    return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
}

import Synchronization

/// A result that one task waits for and that is delivered at most once.
///
/// Whoever completes it first wins; later results are refused, so a continuation is
/// resumed exactly once however many threads race for it.
package final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case initial
        case waiting(CheckedContinuation<Value, any Error>)
        case completed(Result<Value, any Error>)
        case delivered
    }

    private let state = Mutex<State>(.initial)

    package init() {}

    /// Delivers the result. Returns false when another one was first.
    @discardableResult
    package func complete(_ result: Result<Value, any Error>) -> Bool {
        let (first, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Value, any Error>?) in
            switch state {
            case .initial:
                state = .completed(result)
                return (true, nil)
            case .waiting(let continuation):
                state = .delivered
                return (true, continuation)
            case .completed, .delivered:
                return (false, nil)
            }
        }
        waiter?.resume(with: result)
        return first
    }

    /// Waits for the result. May be called once.
    package func wait() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<Value, any Error>? in
                switch state {
                case .initial:
                    state = .waiting(continuation)
                    return nil
                case .completed(let result):
                    state = .delivered
                    return result
                case .waiting, .delivered:
                    return .failure(CancellationError())
                }
            }
            if let result { continuation.resume(with: result) }
        }
    }
}

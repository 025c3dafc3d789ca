import Blocking

/// Work that nobody waits for longer than it is worth.
enum InTime {
    /// What `work` returns; `nil` when it does not return in time. It is cancelled then, and may go on where it does not heed that.
    static func of<Value: Sendable>(_ limit: Duration, _ work: @escaping @Sendable () async -> Value) async -> Value? {
        let result = OneShot<Value?>()
        let working = Task { result.complete(.success(await work())) }
        let waiting = Task {
            try? await Task.sleep(for: limit)
            result.complete(.success(nil))
        }
        defer {
            working.cancel()
            waiting.cancel()
        }
        return (try? await result.wait()) ?? nil
    }

    /// What blocking `work` returns, on a thread of its own; `nil` when it does not return in time.
    static func ofBlocking<Value: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () -> Value
    ) async -> Value? {
        await of(limit) {
            await withCheckedContinuation { (continuation: CheckedContinuation<Value?, Never>) in
                do throws(DetachedThread.Refused) {
                    try DetachedThread.start(name: "doctor") { continuation.resume(returning: work()) }
                } catch {
                    continuation.resume(returning: nil)
                }
            }
        } ?? nil
    }
}

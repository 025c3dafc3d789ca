import EtcdClient
import VolumeCore

/// Writes a record that has one key, guarded with the revision that was read.
struct GuardedWrite {
    let client: EtcdClient
    let clock: any DriverClock
    /// The longest that one request may take.
    let timeout: Duration

    private var remaining: Duration { Deadline.limiting(timeout, now: clock.now()) }

    /// - Parameters:
    ///   - revision: of what was read; `nil` where nothing was.
    ///   - isDone: whether what stands under the key is the outcome of this very write.
    /// - Returns: the revision of the write; `nil` when its guard did not hold.
    func perform(
        _ writes: [Operation], on key: String, over revision: Int64?, _ what: String, isDone: (KeyValue?) -> Bool
    ) async throws -> Int64? {
        let transaction = Transaction(
            when: [revision.map { .modRevision(key, equals: $0) } ?? .keyAbsent(key)], then: writes,
            otherwise: [.get(key)])
        return try await VolumeError.explainingEtcd(what) {
            var mayHaveHappened = false
            while true {
                do {
                    let answer = try await client.transaction(transaction, timeout: remaining)
                    if answer.succeeded { return answer.revision }
                    let now = answer.responses.first?.kvs.first
                    return mayHaveHappened && isDone(now) ? now?.modRevision ?? answer.revision : nil
                } catch let error as EtcdError where error.outcome == .unknown && remaining > .zero {
                    // As in `EtcdVolumeStore.commit`: the guard makes the repetition harmless.
                    mayHaveHappened = true
                    try await clock.sleep(for: .milliseconds(100))
                }
            }
        }
    }
}

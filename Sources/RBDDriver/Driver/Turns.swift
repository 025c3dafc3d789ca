import Synchronization
import VolumeCore

/// Lets one operation at a time work on a volume, in the order of arrival. Different volumes never wait for each other.
public final class Turns: Sendable {
    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct Queues {
        /// A volume whose turn is taken has an entry; the entry holds those who wait for it.
        var waiting: [VolumeName: [Waiter]] = [:]
        var nextNumber: UInt64 = 0
    }

    private let queues = Mutex(Queues())

    public init() {}

    /// Whether an operation is at work on the volume right now.
    func isTaken(_ name: VolumeName) -> Bool { queues.withLock { $0.waiting[name] != nil } }

    /// Runs `body` when the volume's turn comes.
    /// - Throws: `VolumeError` with code `timedOut` when `Deadline.current` passes first; `body` has not begun then.
    public func take<Value: Sendable>(
        _ name: VolumeName, for what: String, clock: any DriverClock, _ body: () async throws -> Value
    ) async throws -> Value {
        let mine = await waitForTurn(name, clock: clock)
        guard mine else {
            throw VolumeError(
                .timedOut, what, why: "another operation on this volume is still running",
                remedy: "try again; if it lasts, look at the plugin's log and at 'ceph -s'", outcome: .refused)
        }
        defer { passOn(name) }
        return try await body()
    }

    private func waitForTurn(_ name: VolumeName, clock: any DriverClock) async -> Bool {
        let number = queues.withLock { queues -> UInt64? in
            guard queues.waiting[name] != nil else {
                queues.waiting[name] = []
                return nil
            }
            queues.nextNumber += 1
            return queues.nextNumber
        }
        guard let number else { return true }
        return await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await self.enqueue(name, number) }
            if let deadline = Deadline.current {
                group.addTask {
                    do { try await clock.sleep(for: max(.zero, deadline - clock.now())) } catch { return nil }
                    self.giveUp(name, number)
                    return nil
                }
            }
            var mine = false
            while let result = await group.next() {
                guard let result else { continue }
                mine = result
                group.cancelAll()
            }
            return mine
        }
    }

    /// Waits in line; takes the turn at once where it has become free meanwhile.
    private func enqueue(_ name: VolumeName, _ number: UInt64) async -> Bool {
        await withCheckedContinuation { continuation in
            let free = queues.withLock { queues in
                guard queues.waiting[name] != nil else {
                    queues.waiting[name] = []
                    return true
                }
                queues.waiting[name]?.append(Waiter(number: number, continuation: continuation))
                return false
            }
            if free { continuation.resume(returning: true) }
        }
    }

    private func giveUp(_ name: VolumeName, _ number: UInt64) {
        let waiter = queues.withLock { queues -> Waiter? in
            guard let index = queues.waiting[name]?.firstIndex(where: { $0.number == number }) else { return nil }
            return queues.waiting[name]?.remove(at: index)
        }
        waiter?.continuation.resume(returning: false)
    }

    private func passOn(_ name: VolumeName) {
        let next = queues.withLock { queues -> Waiter? in
            guard let waiters = queues.waiting[name], let first = waiters.first else {
                queues.waiting[name] = nil
                return nil
            }
            queues.waiting[name] = Array(waiters.dropFirst())
            return first
        }
        next?.continuation.resume(returning: true)
    }
}

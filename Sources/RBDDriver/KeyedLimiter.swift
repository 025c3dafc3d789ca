import Synchronization
import VolumeCore

/// Lets a bounded number of operations at a time work on something that has a name, in the order of arrival: one on a
/// volume, some on the volumes of a pool. Different names never wait for each other.
final class KeyedLimiter<Name: Hashable & Sendable>: Sendable {
    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    /// The operations of one name.
    private struct Line {
        var atWork = 0
        var waiting: [Waiter] = []
    }

    private struct Lines {
        /// Those of which an operation is at work.
        var byName: [Name: Line] = [:]
        var nextNumber: UInt64 = 0
    }

    private let limit: Int
    private let lines = Mutex(Lines())

    /// - Parameter limit: how many operations may work on one name at a time; at least 1.
    init(atOnce limit: Int = 1) { self.limit = max(1, limit) }

    /// How many operations are at work, and how many wait, on whatever.
    var load: OperationsLoad {
        lines.withLock { lines in
            OperationsLoad(
                atWork: lines.byName.values.reduce(0) { $0 + $1.atWork },
                waiting: lines.byName.values.reduce(0) { $0 + $1.waiting.count })
        }
    }

    /// Whether one more operation would have to wait right now.
    func isTaken(_ name: Name) -> Bool { lines.withLock { ($0.byName[name]?.atWork ?? 0) >= limit } }

    /// Runs `body` when its turn comes.
    /// - Parameter refusal: what to say when `Deadline.current` passes first; `body` has not begun then.
    func take<Value: Sendable>(
        _ name: Name, clock: any DriverClock, else refusal: @autoclosure () -> VolumeError,
        _ body: () async throws -> Value
    ) async throws -> Value {
        guard await waitForTurn(name, clock: clock) else { throw refusal() }
        defer { passOn(name) }
        return try await body()
    }

    /// Runs `body` if it is its turn right now.
    /// - Returns: `nil` if it is not.
    func takeIfFree<Value: Sendable>(_ name: Name, _ body: () async throws -> Value) async rethrows -> Value? {
        guard enter(name) else { return nil }
        defer { passOn(name) }
        return try await body()
    }

    private func enter(_ name: Name) -> Bool { lines.withLock { Self.enter(name, &$0, limit) } }

    private static func enter(_ name: Name, _ lines: inout Lines, _ limit: Int) -> Bool {
        guard lines.byName[name, default: Line()].atWork < limit else { return false }
        lines.byName[name, default: Line()].atWork += 1
        return true
    }

    private func waitForTurn(_ name: Name, clock: any DriverClock) async -> Bool {
        if enter(name) { return true }
        let number = lines.withLock { lines in
            lines.nextNumber += 1
            return lines.nextNumber
        }
        return await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await self.enqueue(name, number, clock) }
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
    private func enqueue(_ name: Name, _ number: UInt64, _ clock: any DriverClock) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = lines.withLock { lines -> Bool? in
                if Self.enter(name, &lines, limit) { return true }
                // Then whoever would end the wait may have looked for it already.
                if let deadline = Deadline.current, deadline <= clock.now() { return false }
                lines.byName[name]?.waiting.append(Waiter(number: number, continuation: continuation))
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func giveUp(_ name: Name, _ number: UInt64) {
        let waiter = lines.withLock { lines -> Waiter? in
            guard let index = lines.byName[name]?.waiting.firstIndex(where: { $0.number == number }) else { return nil }
            return lines.byName[name]?.waiting.remove(at: index)
        }
        waiter?.continuation.resume(returning: false)
    }

    /// The turn goes to who waits longest; without anybody there is one at work less.
    private func passOn(_ name: Name) {
        let next = lines.withLock { lines -> Waiter? in
            guard var line = lines.byName[name] else { return nil }
            defer { lines.byName[name] = line.atWork > 0 ? line : nil }
            if line.waiting.isEmpty {
                line.atWork -= 1
                return nil
            }
            return line.waiting.removeFirst()
        }
        next?.continuation.resume(returning: true)
    }
}

import Synchronization
import VolumeCore

/// One mkfs's part of a `ScratchBudget`.
final class ScratchReservation: Sendable {
    private let budget: ScratchBudget
    private let bytes: Mutex<UInt64>

    private init(_ budget: ScratchBudget, _ bytes: UInt64) {
        self.budget = budget
        self.bytes = Mutex(bytes)
    }

    /// Waits until there is room for that many bytes.
    /// - Throws: `VolumeError`: `noSpace` when there is not enough for one alone, `timedOut` when others have it all.
    static func take(
        _ bytes: UInt64, of budget: ScratchBudget, within timeout: Duration, kernel: KernelCalls, to what: String
    ) async throws -> ScratchReservation {
        let giveUp = ContinuousClock.now + kernel.timeLeft(timeout)
        let ticket = budget.enter()
        defer { budget.leave(ticket) }
        while true {
            switch try await kernel.run("statvfs", to: what, { try budget.admit(ticket, bytes) }) {
            case .admitted: return ScratchReservation(budget, bytes)
            case .neverFits:
                throw VolumeError(
                    .noSpace, what, why: "there is no room for the \(bytes >> 20) MiB that mkfs writes",
                    remedy: "set RBD_STATE_DIR to a folder with more space")
            case .wait where ContinuousClock.now < giveUp: try await Task.sleep(for: .milliseconds(20))
            case .wait:
                throw VolumeError(
                    .timedOut, what, why: "other volumes that are being created take all the room",
                    remedy: "try again", outcome: .refused)
            }
        }
    }

    /// Makes sure that what the file takes by now is reserved.
    /// - Returns: whether there is room for it.
    func cover(_ taken: UInt64) -> Bool {
        bytes.withLock { bytes in
            if taken <= bytes { return true }
            // With something in hand, so that it is not asked for block by block.
            let more = taken - bytes + (16 << 20)
            guard budget.extend(by: more) else { return false }
            bytes += more
            return true
        }
    }

    func giveBack() {
        let all = bytes.withLock { bytes in
            defer { bytes = 0 }
            return bytes
        }
        budget.giveBack(all)
    }
}

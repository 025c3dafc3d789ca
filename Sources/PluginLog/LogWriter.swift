import Blocking
import Glibc
import Synchronization

/// Writes the lines of one stream on a thread of its own, so that whoever reads the stream, and stops, holds up nobody
/// who logs. Lives as long as the process.
final class LogWriter: Sendable {
    /// Enough for more than a thousand lines.
    static let capacity = 262_144

    private struct State {
        var ring: LogRing
        /// Whether the thread is at a line that it has taken out of the ring.
        var isWriting = false
        /// Whether the thread waits to be woken.
        var isAsleep = false
    }

    private let state: Mutex<State>
    private let wake = ThreadSignal()
    private let write: @Sendable ([UInt8]) -> Bool
    private let note: @Sendable (_ dropped: Int) -> [UInt8]

    /// - Parameters:
    ///   - write: writes one whole line, for as long as that takes, and says whether it did.
    ///   - note: the line that says how many lines were dropped.
    /// - Throws: `DetachedThread.Refused`.
    init(
        capacity: Int = LogWriter.capacity, note: @escaping @Sendable (_ dropped: Int) -> [UInt8],
        write: @escaping @Sendable ([UInt8]) -> Bool
    ) throws {
        state = Mutex(State(ring: LogRing(capacity: capacity)))
        self.note = note
        self.write = write
        try DetachedThread.start(name: "log") { self.work() }
    }

    /// How many lines were dropped so far.
    var dropped: Int { state.withLock { $0.ring.dropped } }

    /// Takes a line; never waits for the reader.
    func add(_ line: [UInt8], isGrave: Bool) {
        let wakes = state.withLock { state in
            state.ring.add(line, isGrave: isGrave)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wakes { wake.post() }
    }

    /// Whether all that was added has been written.
    var isIdle: Bool { state.withLock { $0.ring.isEmpty && !$0.isWriting } }

    private func work() {
        while true {
            let next = state.withLock { state in
                let next = state.ring.next()
                state.isWriting = next != nil
                state.isAsleep = next == nil
                return next
            }
            guard let next else {
                wake.wait()
                continue
            }
            if next.dropped > 0, !write(note(next.dropped)) { state.withLock { $0.ring.keepUntold(next.dropped) } }
            if !write(next.line) { state.withLock { $0.ring.lose() } }
        }
    }
}

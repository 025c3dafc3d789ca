import Glibc
import Synchronization

/// The signals' side of a running child: who may be signalled, and whether it has ended.
///
/// A process id may be signalled only while the child is not reaped, since the number is free for others after that.
/// The lock makes sure: `close()` comes before the reaping, and no signal is sent after it.
final class ChildHandle: Sendable {
    private enum State {
        case starting(pendingSignal: CInt?)
        case running(pid_t)
        case closed
    }

    private let state = Mutex(State.starting(pendingSignal: nil))
    private let endReason = Mutex<ChildEnd?>(nil)
    private let send: @Sendable (pid_t, CInt) -> Void

    /// - Parameter send: sends a signal to a process group; `kill(2)` but in tests.
    init(send: @escaping @Sendable (pid_t, CInt) -> Void) {
        self.send = send
    }

    /// The child exists, and leads a process group of its own.
    func started(_ pid: pid_t) {
        let pending = state.withLock { state -> CInt? in
            guard case .starting(let signal) = state else { return nil }
            state = .running(pid)
            return signal
        }
        if let pending { signalGroup(pending) }
    }

    /// Sends the signal to the child's group, at once or as soon as it exists.
    func signalGroup(_ signal: CInt) {
        state.withLock { state in
            switch state {
            case .starting: state = .starting(pendingSignal: signal)
            case .running(let pid): send(pid, signal)
            case .closed: break
            }
        }
    }

    /// From now on the child may be reaped at any moment.
    func close() { state.withLock { $0 = .closed } }

    var isClosed: Bool {
        state.withLock { if case .closed = $0 { true } else { false } }
    }

    /// Waits for the child to end, looking again every few milliseconds, also when the task is cancelled: what a child does goes on
    /// without it.
    func isClosed(within duration: Duration) async -> Bool {
        let until = ContinuousClock.now + duration
        return await Task.detached {
            while !self.isClosed {
                guard ContinuousClock.now < until else { return false }
                try? await Task.sleep(for: .milliseconds(10))
            }
            return true
        }.value
    }

    /// Decides once why the child is ended by force; later reasons are refused.
    func begin(_ reason: ChildEnd) -> Bool {
        endReason.withLock { current in
            guard current == nil else { return false }
            current = reason
            return true
        }
    }

    /// Why the child was ended by force; `nil` when it was not.
    var endedBy: ChildEnd? { endReason.withLock { $0 } }
}

/// Why a child was not let run to its own end.
enum ChildEnd: Sendable, Hashable {
    case deadline(Duration)
    case cancelled
}

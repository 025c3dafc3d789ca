import CCurl
import Synchronization

typealias TransferID = Int

/// A request for the transport's thread, and where its answer goes.
struct TransferOrder: Sendable {
    enum Sink: Sendable {
        case whole(CheckedContinuation<Result<HTTPResponse, TransportFailure>, Never>)
        case stream(StreamBuffer)
    }

    var id: TransferID
    var request: HTTPRequest
    var sink: Sink

    /// Says how the transfer ended, once.
    func fail(_ failure: TransportFailure) {
        switch sink {
        case .whole(let continuation): continuation.resume(returning: .failure(failure))
        case .stream(let buffer): buffer.finish(.failure(failure))
        }
    }
}

enum CurlCommand: Sendable {
    case start(TransferOrder)
    /// What a look-up of a host's addresses has brought.
    case learn(String, Result<[String], HostLookUpError>)
    case cancel(TransferID)
    /// The TLS files hold something else by now.
    case vouch(TLSMaterial)
    /// A stream's reader has caught up.
    case unpause(TransferID)
    case stop
}

/// The transport's multi handle.
///
/// Sendable, unchecked: the handle itself is a plain address. Its thread alone makes all calls but one on it;
/// `curl_multi_wakeup`, which libcurl allows from any thread, is made under the mailbox's lock, so never after the end.
struct MultiHandle: @unchecked Sendable {
    let address: UnsafeMutableRawPointer
}

/// How the tasks of the process reach the transport's thread, which waits in `curl_multi_poll`.
final class CurlMailbox: Sendable {
    private struct State {
        var commands: [CurlCommand] = []
        var nextID: TransferID = 0
        /// nil once the thread has ended: from then on the handle must not be touched.
        var multi: MultiHandle?
        var statistics = TransportStatistics()
        var awaitingEnd: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(multi: MultiHandle) {
        state = Mutex(State(multi: multi))
    }

    var statistics: TransportStatistics { state.withLock { $0.statistics } }

    /// Whether the transport's thread runs.
    var isOpen: Bool { state.withLock { $0.multi != nil } }

    func makeID() -> TransferID {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    /// Leaves a command and wakes the thread. `curl_multi_wakeup` is the one call of a multi handle that any thread
    /// may make; the lock keeps the handle alive meanwhile. Returns false when the thread has ended.
    @discardableResult
    func post(_ command: CurlCommand) -> Bool {
        state.withLock { state in
            guard let multi = state.multi else { return false }
            if case .start = command { state.statistics.activeTransfers += 1 }
            state.commands.append(command)
            curl_multi_wakeup(multi.address)
            return true
        }
    }

    /// Takes all commands, in order.
    func take() -> [CurlCommand] {
        state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    func recordEnd(openedConnections: Int) {
        state.withLock { state in
            state.statistics.activeTransfers -= 1
            state.statistics.finishedTransfers += 1
            state.statistics.openedConnections += openedConnections
        }
    }

    /// The thread's last call before it frees the handle. Returns the commands that came too late.
    func close() -> [CurlCommand] {
        state.withLock { state in
            state.multi = nil
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// The handle is freed: tells those who wait for it.
    func announceEnd() {
        let waiting = state.withLock { state in
            defer { state.awaitingEnd = [] }
            return state.awaitingEnd
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Asks the thread to end and waits until it has.
    func stopAndWait() async {
        await withCheckedContinuation { continuation in
            let ended = state.withLock { state in
                guard let multi = state.multi else { return true }
                state.awaitingEnd.append(continuation)
                state.commands.append(.stop)
                curl_multi_wakeup(multi.address)
                return false
            }
            if ended { continuation.resume() }
        }
    }
}

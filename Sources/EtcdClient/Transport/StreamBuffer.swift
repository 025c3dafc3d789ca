import Synchronization

/// What has arrived of a streamed answer and has not been read yet.
///
/// The transport's thread writes, one task reads. When much lies unread the writer is told to pause.
final class StreamBuffer: Sendable {
    private typealias Reader = CheckedContinuation<Result<HTTPStreamPart?, TransportFailure>, Never>

    private struct State {
        var status: Int?
        /// In one piece: a server that sends byte by byte would make each of them cost many.
        var unread: [UInt8] = []
        var paused = false
        var end: Result<Void, TransportFailure>?
        var reader: Reader?
    }

    /// Above this many unread bytes the transfer pauses, and TCP in turn slows the server down.
    private static let highWater = 4 << 20

    private let state = Mutex(State())
    private let resumeTransfer: @Sendable () -> Void

    /// - Parameter resumeTransfer: called when a paused writer may go on.
    init(resumeTransfer: @escaping @Sendable () -> Void) {
        self.resumeTransfer = resumeTransfer
    }

    /// Hands a part to the reader. Returns false, without taking it, when the writer has to pause.
    func offer(_ part: HTTPStreamPart) -> Bool {
        let (taken, reader) = state.withLock { state in Self.accept(part, &state) }
        reader?.resume(returning: .success(part))
        return taken
    }

    private static func accept(_ part: HTTPStreamPart, _ state: inout State) -> (taken: Bool, reader: Reader?) {
        if let reader = state.reader {
            state.reader = nil
            return (true, reader)
        }
        switch part {
        case .status(let status): state.status = status
        case .bytes(let bytes):
            guard state.unread.count < highWater else {
                state.paused = true
                return (false, nil)
            }
            state.unread += bytes
        }
        return (true, nil)
    }

    /// No more will come. What has arrived before is still read first.
    func finish(_ end: Result<Void, TransportFailure>) {
        let reader = state.withLock { state in
            if state.end == nil { state.end = end }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: end.map { nil })
    }

    /// The next part in order; nil at the end. A cancelled task gets `.cancelled` and loses no part.
    func next() async -> Result<HTTPStreamPart?, TransportFailure> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in Self.take(&state, orPark: continuation) }
                if let ready {
                    continuation.resume(returning: ready.result)
                    if ready.wasPaused { resumeTransfer() }
                }
                if Task.isCancelled { releaseReader() }
            }
        } onCancel: {
            releaseReader()
        }
    }

    private struct Ready {
        var result: Result<HTTPStreamPart?, TransportFailure>
        var wasPaused = false
    }

    private static func take(_ state: inout State, orPark reader: Reader) -> Ready? {
        if let status = state.status {
            state.status = nil
            return Ready(result: .success(.status(status)))
        }
        if !state.unread.isEmpty {
            defer { (state.unread, state.paused) = ([], false) }
            return Ready(result: .success(.bytes(state.unread)), wasPaused: state.paused)
        }
        if let end = state.end { return Ready(result: end.map { nil }) }
        // There is one reader at a time; a second one takes the place of the first.
        state.reader?.resume(returning: .failure(readerCancelled))
        state.reader = reader
        return nil
    }

    private static let readerCancelled = TransportFailure(
        reason: .cancelled, mayHaveBeenSent: true, detail: "the reader was cancelled")

    private func releaseReader() {
        let reader = state.withLock { state in
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: .failure(Self.readerCancelled))
    }
}

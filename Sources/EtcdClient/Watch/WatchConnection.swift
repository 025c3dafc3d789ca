/// One watch stream at one endpoint. Letting go of it ends the transfer.
struct WatchConnection: Sendable {
    let endpoint: Endpoint
    /// What it was opened with.
    let token: String?
    let stream: any HTTPStream
    private var splitter = LineSplitter()
    private var lines: ArraySlice<[UInt8]> = []
    private var status: Int?
    private var refusalBody: [UInt8] = []

    init(endpoint: Endpoint, token: String?, stream: any HTTPStream) {
        self.endpoint = endpoint
        self.token = token
        self.stream = stream
    }

    /// The next message; nil when none came before the deadline.
    mutating func nextResponse(by deadline: Deadline) async throws(AttemptFailure) -> WireWatchResponse? {
        while lines.isEmpty {
            switch await nextPart(by: deadline) {
            case nil: return nil
            case .failure(let failure): throw .transport(failure)
            case .success(nil): try end()
            case .success(.status(let status)): self.status = status
            case .success(.bytes(let bytes)): take(bytes)
            }
        }
        return try Self.decode(lines.removeFirst())
    }

    private func nextPart(by deadline: Deadline) async -> Result<HTTPStreamPart?, TransportFailure>? {
        await deadline.race { [stream] in
            do throws(TransportFailure) {
                return .success(try await stream.next())
            } catch {
                // The reader was cancelled, by the deadline or by its task: nothing is wrong with the stream.
                return error.reason == .cancelled ? nil : .failure(error)
            }
        }
    }

    private mutating func take(_ bytes: [UInt8]) {
        if status == 200 {
            lines = splitter.feed(bytes)[...]
        } else {
            refusalBody += bytes
        }
    }

    /// The server has ended the stream: with a last message, with a refusal, or just so.
    private mutating func end() throws(AttemptFailure) {
        if let status, status != 200 {
            throw .refusal(ServerRefusal(HTTPResponse(status: status, body: refusalBody)))
        }
        guard let last = splitter.finish() else {
            throw .transport(
                TransportFailure(reason: .broken, mayHaveBeenSent: true, detail: "the server ended the watch's stream"))
        }
        lines = [last]
    }

    private static func decode(_ line: [UInt8]) throws(AttemptFailure) -> WireWatchResponse {
        let message: WireStreamLine<WireWatchResponse>
        do throws(WireViolation) {
            message = try WireJSON.decode(WireStreamLine<WireWatchResponse>.self, from: line)
        } catch {
            throw .violation(error)
        }
        if let result = message.result { return result }
        if let error = message.error { throw .refusal(error.refusal) }
        throw .violation(WireViolation("a message with neither result nor error"))
    }
}

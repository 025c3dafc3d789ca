/// One watch stream at one endpoint. Letting go of it ends the transfer.
struct WatchConnection: Sendable {
    let endpoint: Endpoint
    /// What it was opened with.
    let token: String?
    let stream: any HTTPStream
    private let limits: AnswerLimits
    private var splitter: LineSplitter
    private var status: Int?
    private var refusalBody: [UInt8] = []

    init(endpoint: Endpoint, token: String?, stream: any HTTPStream, limits: AnswerLimits) {
        self.endpoint = endpoint
        self.token = token
        self.stream = stream
        self.limits = limits
        splitter = LineSplitter(limit: limits.messageBytes)
    }

    /// The next message; nil when none came before the deadline.
    mutating func nextResponse(by deadline: CallDeadline) async throws(AttemptFailure) -> WireWatchResponse? {
        while true {
            if let line = try nextLine() { return try Self.decode(line) }
            switch await nextPart(by: deadline) {
            case nil: return nil
            case .failure(let failure): throw .transport(failure)
            case .success(nil): return try Self.decode(try lastLine())
            case .success(.status(let status)): self.status = status
            case .success(.bytes(let bytes)): try take(bytes)
            }
        }
    }

    private mutating func nextLine() throws(AttemptFailure) -> [UInt8]? {
        do throws(LineSplitter.TooLong) {
            return try splitter.next()
        } catch {
            throw Self.tooLarge("a message", error.limit)
        }
    }

    private func nextPart(by deadline: CallDeadline) async -> Result<HTTPStreamPart?, TransportFailure>? {
        await deadline.race { [stream] in
            do throws(TransportFailure) {
                return .success(try await stream.next())
            } catch {
                // The reader was cancelled, by the deadline or by its task: nothing is wrong with the stream.
                return error.reason == .cancelled ? nil : .failure(error)
            }
        }
    }

    private mutating func take(_ bytes: [UInt8]) throws(AttemptFailure) {
        guard status != 200 else { return splitter.feed(bytes) }
        refusalBody += bytes
        guard refusalBody.count <= limits.answerBytes else { throw Self.tooLarge("its refusal", limits.answerBytes) }
    }

    private static func tooLarge(_ what: String, _ limit: Int) -> AttemptFailure {
        .transport(TransportFailure(tooLarge: "\(what) of the watch", limit: limit))
    }

    /// The server has ended the stream: with a last message, with a refusal, or just so.
    private mutating func lastLine() throws(AttemptFailure) -> [UInt8] {
        if let status, status != 200 {
            throw .refusal(ServerRefusal(HTTPResponse(status: status, body: refusalBody)))
        }
        guard let last = splitter.finish() else {
            throw .transport(
                TransportFailure(reason: .broken, mayHaveBeenSent: true, detail: "the server ended the watch's stream"))
        }
        return last
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

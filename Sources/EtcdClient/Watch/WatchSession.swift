import Logging

/// The life of one watch: connects, reads, notices when it is cut off, and comes back where it left off, at whichever
/// endpoint answers.
actor WatchSession {
    private let gateway: Gateway
    private let keys: KeyRange
    private let includesPrevious: Bool

    private var progress: WatchProgress
    private var connection: WatchConnection?
    /// The server has confirmed the watch on this connection.
    private var established = false
    private var told: [WatchElement] = []
    private var ended = false
    /// The reader knows that there is no connection.
    private var lossTold = false
    private var backoff: Backoff
    private var pauseBeforeConnecting = Duration.zero
    private var rejected: Authentication.Rejected?
    private var renewals = 0

    init(gateway: Gateway, keys: KeyRange, from revision: Int64?, includesPrevious: Bool) {
        self.gateway = gateway
        self.keys = keys
        self.includesPrevious = includesPrevious
        progress = WatchProgress(from: revision)
        backoff = Backoff(gateway.configuration.watch)
    }

    /// The next element; nil after the last, and when the reading task is cancelled.
    func next() async throws(EtcdError) -> WatchElement? {
        while true {
            if !told.isEmpty { return told.removeFirst() }
            if Task.isCancelled { end() }
            if ended { return nil }
            do throws(WatchInterruption) {
                try await advance()
            } catch {
                try recover(from: error)
            }
        }
    }

    private func end() {
        ended = true
        connection = nil
    }

    // MARK: Reading

    /// Connects where there is no connection; takes one message where there is one.
    private func advance() async throws(WatchInterruption) {
        guard var connection else { return try await connect() }
        let timing = gateway.configuration
        let patience = established ? timing.watch.probeInterval : timing.requestTimeout
        let response: WireWatchResponse?
        do throws(AttemptFailure) {
            response = try await connection.nextResponse(by: .after(patience))
        } catch {
            throw WatchInterruption(error, at: connection.endpoint)
        }
        self.connection = connection
        if let response {
            try await obey(response, at: connection.endpoint)
        } else if !Task.isCancelled {
            try await endureSilence(at: connection.endpoint)
        }
    }

    private func obey(_ response: WireWatchResponse, at endpoint: Endpoint) async throws(WatchInterruption) {
        let step: WatchProgress.Step
        do throws(WireViolation) {
            step = try progress.receive(response)
        } catch {
            throw WatchInterruption(.violation(error), at: endpoint)
        }
        switch step {
        case .tell(let elements): proceed(elements)
        case .behind(let element): try await judgeLag(telling: element, at: endpoint)
        case .compacted(let revision):
            told.append(.compacted(revision: revision))
            end()
        case .replaced(let revision):
            told.append(.replaced(revision: revision))
            end()
        case .refused(let refusal): throw WatchInterruption(.refusal(refusal), at: endpoint)
        }
    }

    private func proceed(_ elements: [WatchElement]) {
        told += elements
        established = true
        lossTold = false
        renewals = 0
        pauseBeforeConnecting = .zero
        backoff.reset()
    }

    // MARK: Doubt

    /// Nothing has come for a while. An idle watch is silent, and so is one whose member is frozen or cut off: a
    /// linearizable read of that member tells them apart.
    private func endureSilence(at endpoint: Endpoint) async throws(WatchInterruption) {
        guard established else {
            let failure = TransportFailure(
                reason: .timedOut, mayHaveBeenSent: true, detail: "the server did not confirm the watch in time")
            throw WatchInterruption(.transport(failure), at: endpoint)
        }
        _ = try await probe(endpoint)
    }

    /// The member's store ended before what this watch has seen. A member that lags catches up, and a linearizable
    /// read proves it; a store that is really shorter was put back from a backup, and its history is another one.
    private func judgeLag(telling element: WatchElement, at endpoint: Endpoint) async throws(WatchInterruption) {
        let revision = try await probe(endpoint)
        if let next = progress.nextRevision, revision < next - 1 {
            told.append(.replaced(revision: revision))
            end()
        } else {
            proceed([element])
        }
    }

    /// The store's current revision, by way of this member.
    private func probe(_ endpoint: Endpoint) async throws(WatchInterruption) -> Int64 {
        var request = RangeRequest(KeyRange(start: keys.start, end: nil))
        request.countOnly = true
        do throws(EtcdError) {
            return try await gateway.range(request, only: endpoint).revision
        } catch {
            throw WatchInterruption(error, whenAsking: "cannot tell whether the silent member is alive")
        }
    }

    // MARK: Connecting

    private func connect() async throws(WatchInterruption) {
        established = false
        try? await Task.sleep(for: pauseBeforeConnecting)
        guard !Task.isCancelled, let endpoint = gateway.selector.inOrder().first else { return }
        do throws(EtcdError) {
            let request = WireWatchRequest(keys, from: progress.nextRevision, includesPrevious: includesPrevious)
            let call = GatewayCall(
                operation: "watch", path: "/v3/watch", body: try gateway.encode(request, "watch"))
            let token = try await gateway.token(
                for: call, replacing: rejected, by: .after(gateway.configuration.requestTimeout))
            let http = call.request(
                to: endpoint, token: token, configuration: gateway.configuration, deadline: nil)
            connection = WatchConnection(
                endpoint: endpoint, token: token, stream: gateway.transport.open(http),
                limits: gateway.configuration.limits)
        } catch {
            throw WatchInterruption(error, whenAsking: "there is no token for the watch")
        }
    }

    /// Decides how it goes on: at once with a new token, after a pause, or not at all.
    private func recover(from interruption: WatchInterruption) throws(EtcdError) {
        let lost = connection
        connection = nil
        if Task.isCancelled { return end() }
        switch interruption.remedy {
        case .authenticate where gateway.canAuthenticate && renewals < 2:
            renewals += 1
            rejected = Authentication.Rejected(token: lost?.token)
        case .tryAgain:
            if let endpoint = interruption.error.endpoint { gateway.selector.recordFailure(of: endpoint) }
            pauseBeforeConnecting = backoff.next()
            tellLoss(interruption.error)
        default:
            ended = true
            throw interruption.error
        }
    }

    private func tellLoss(_ error: EtcdError) {
        gateway.logger.debug(
            "the etcd watch was interrupted; connecting again",
            metadata: ["error": "\(error)", "pause": "\(pauseBeforeConnecting)"])
        guard !lossTold else { return }
        lossTold = true
        told.append(.disconnected(error))
    }
}

/// Why a watch has to connect again, or end.
struct WatchInterruption: Error {
    var error: EtcdError
    var remedy: Verdict.Remedy

    init(_ failure: AttemptFailure, at endpoint: Endpoint) {
        let assessment = Assessment(failure, isWrite: false)
        error = EtcdError(
            code: assessment.code, outcome: assessment.outcome, operation: "watch", endpoint: endpoint,
            reason: assessment.reason, httpStatus: assessment.refusal?.httpStatus,
            grpcCode: assessment.refusal?.grpcCode)
        // A message that makes no sense ends this stream; the next one may be in order.
        remedy = assessment.code == .protocolViolation && assessment.refusal == nil ? .tryAgain : assessment.remedy
    }

    /// A call that the watch made for itself has failed.
    init(_ error: EtcdError, whenAsking purpose: String) {
        var error = error
        error.operation = "watch"
        error.reason = "\(purpose): \(error.reason)"
        self.error = error
        remedy = error.isLasting ? .giveUp : .tryAgain
    }
}

extension EtcdError {
    /// Trying again will not help: someone has to change something first, or has ended it.
    var isLasting: Bool {
        switch code {
        case .unavailable, .timedOut, .connection, .tls, .protocolViolation, .answerTooLarge, .compacted: false
        case .refused, .unauthenticated, .permissionDenied, .leaseNotFound, .tooLarge, .noSpace, .cancelled, .closed,
            .misconfigured:
            true
        }
    }
}

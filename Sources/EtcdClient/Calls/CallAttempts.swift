/// Decides after each failed attempt of one call what comes next. Pure: the caller does the sending and the waiting.
///
/// A read may be tried again after any failure that another member or another moment may cure. A write is tried again
/// only when it is certain that the failed attempt did nothing: it never left, or the server said so.
struct CallAttempts {
    enum Next: Equatable {
        /// At `endpoint`, after a pause.
        case tryAgain(after: Duration)
        /// At the same endpoint with a new token.
        case renewToken
        case giveUp(EtcdError)
    }

    private let operation: String
    private let isWrite: Bool
    private let canAuthenticate: Bool
    private let endpoints: [Endpoint]
    private var attempt = 0
    private var renewals = 0
    private var reasons: [(endpoint: Endpoint, reason: String)] = []

    /// - Parameter endpoints: at least one, the preferred one first.
    init(call: GatewayCall, endpoints: [Endpoint], canAuthenticate: Bool) {
        operation = call.operation
        isWrite = call.isWrite
        self.canAuthenticate = canAuthenticate
        self.endpoints = endpoints
    }

    /// Where the next attempt goes.
    var endpoint: Endpoint { endpoints[attempt % endpoints.count] }

    /// How much of the time that is left the next attempt may take.
    ///
    /// A read leaves the untried endpoints their share, so that one frozen member does not use up the deadline. A
    /// write gets all of it: once sent, it is not tried elsewhere.
    func share(of remaining: Duration) -> Duration {
        let untried = endpoints.count - attempt
        return isWrite || untried <= 1 ? remaining : remaining / untried
    }

    mutating func next(after failure: AttemptFailure) -> Next {
        let assessment = Assessment(failure, isWrite: isWrite)
        let error = makeError(assessment)
        switch assessment.remedy {
        case .authenticate where canAuthenticate && renewals < 2:
            renewals += 1
            return .renewToken
        case .tryAgain where attempt + 1 < attemptLimit:
            attempt += 1
            return .tryAgain(after: pause)
        default:
            return .giveUp(error)
        }
    }

    /// Two rounds, and three attempts where there is only one endpoint: an election or a restart often lasts no longer.
    private var attemptLimit: Int { max(3, 2 * endpoints.count) }

    /// None while there are endpoints that have not been tried.
    private var pause: Duration {
        guard attempt >= endpoints.count else { return .zero }
        return .milliseconds(100 << min(attempt - endpoints.count, 3))
    }

    private mutating func makeError(_ assessment: Assessment) -> EtcdError {
        if !reasons.contains(where: { $0.endpoint == endpoint && $0.reason == assessment.reason }) {
            reasons.append((endpoint, assessment.reason))
        }
        return EtcdError(
            code: assessment.code, outcome: assessment.outcome, operation: operation, endpoint: endpoint,
            reason: summary, httpStatus: assessment.refusal?.httpStatus, grpcCode: assessment.refusal?.grpcCode)
    }

    /// One endpoint's reasons stand alone; of several endpoints each is named.
    private var summary: String {
        if reasons.allSatisfy({ $0.endpoint == endpoint }) {
            return reasons.map(\.reason).joined(separator: "; then ")
        }
        return reasons.map { "\($0.endpoint): \($0.reason)" }.joined(separator: "; ")
    }
}

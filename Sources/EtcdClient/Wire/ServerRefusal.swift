/// An answer that is an error, before anyone has decided what it means.
struct ServerRefusal: Error, Sendable, Equatable {
    var httpStatus: Int?
    var grpcCode: Int?
    /// An excerpt of the server's words.
    var message: String

    init(httpStatus: Int? = nil, grpcCode: Int? = nil, message: String) {
        self.httpStatus = httpStatus
        self.grpcCode = grpcCode
        self.message = message.excerpt
    }

    /// What etcd says when it is asked for a token and authentication is off.
    static let authenticationIsOff = "authentication is not enabled"
}

/// What a refusal means.
struct Verdict: Sendable, Equatable {
    enum Effect: Sendable, Equatable {
        /// It is certain that nothing has changed.
        case none
        /// A write may have happened, or may yet.
        case possible
    }

    enum Remedy: Sendable, Equatable {
        case giveUp
        /// A new token may help.
        case authenticate
        /// Another member, or the same one a moment later, may be able to.
        case tryAgain
    }

    var code: EtcdError.Code
    var effect: Effect
    var remedy: Remedy
}

extension ServerRefusal {
    /// The gRPC code alone is not enough: 3, 8, 9, 11 and 14 stand for several things, which only the text tells apart.
    var verdict: Verdict {
        Self.byText.first { message.contains($0.text) }?.verdict ?? verdictByCode
    }

    private static let byText: [(text: String, verdict: Verdict)] = [
        ("user name is empty", Verdict(code: .unauthenticated, effect: .none, remedy: .authenticate)),
        ("invalid auth token", Verdict(code: .unauthenticated, effect: .none, remedy: .authenticate)),
        ("revision of auth store is old", Verdict(code: .unauthenticated, effect: .none, remedy: .authenticate)),
        ("invalid user ID or password", Verdict(code: .unauthenticated, effect: .none, remedy: .giveUp)),
        ("permission denied", Verdict(code: .permissionDenied, effect: .none, remedy: .giveUp)),
        ("requested lease not found", Verdict(code: .leaseNotFound, effect: .none, remedy: .giveUp)),
        ("has been compacted", Verdict(code: .compacted, effect: .none, remedy: .giveUp)),
        ("request is too large", Verdict(code: .tooLarge, effect: .none, remedy: .giveUp)),
        ("too many operations", Verdict(code: .tooLarge, effect: .none, remedy: .giveUp)),
        ("larger than max", Verdict(code: .tooLarge, effect: .none, remedy: .giveUp)),
        // The write that crosses the quota is applied, and answered with this error all the same.
        ("database space exceeded", Verdict(code: .noSpace, effect: .possible, remedy: .giveUp)),
        // Said before the request enters the log.
        ("no leader", Verdict(code: .unavailable, effect: .none, remedy: .tryAgain)),
        ("too many requests", Verdict(code: .unavailable, effect: .none, remedy: .tryAgain)),
        ("proposal dropped", Verdict(code: .unavailable, effect: .none, remedy: .tryAgain)),
        ("not capable", Verdict(code: .unavailable, effect: .none, remedy: .tryAgain)),
        ("not supported for learner", Verdict(code: .unavailable, effect: .none, remedy: .tryAgain)),
        // The gateway has not reached the gRPC server behind it.
        ("Error while dialing", Verdict(code: .unavailable, effect: .none, remedy: .tryAgain)),
    ]

    private var verdictByCode: Verdict {
        switch grpcCode {
        case 3, 5, 6, 9, 11: Verdict(code: .refused, effect: .none, remedy: .giveUp)
        case 4: Verdict(code: .timedOut, effect: .possible, remedy: .tryAgain)
        case 7: Verdict(code: .permissionDenied, effect: .none, remedy: .giveUp)
        case 12: Verdict(code: .protocolViolation, effect: .none, remedy: .giveUp)
        case 16: Verdict(code: .unauthenticated, effect: .none, remedy: .authenticate)
        case nil: verdictByStatus
        default: Verdict(code: .unavailable, effect: .possible, remedy: .tryAgain)
        }
    }

    /// For answers that are not the gateway's own, such as a proxy's.
    private var verdictByStatus: Verdict {
        switch httpStatus {
        case .some(500...): Verdict(code: .unavailable, effect: .possible, remedy: .tryAgain)
        default: Verdict(code: .protocolViolation, effect: .none, remedy: .giveUp)
        }
    }
}

/// What one failure means for one call.
struct Assessment {
    var code: EtcdError.Code
    var outcome: EtcdError.Outcome
    var remedy: Verdict.Remedy
    var reason: String
    var refusal: ServerRefusal?

    init(_ failure: AttemptFailure, isWrite: Bool) {
        switch failure {
        case .refusal(let refusal): self.init(refusal, isWrite: isWrite)
        case .transport(let failure): self.init(failure, isWrite: isWrite)
        case .violation(let violation): self.init(violation, isWrite: isWrite)
        }
    }

    private init(_ violation: WireViolation, isWrite: Bool) {
        code = .protocolViolation
        outcome = isWrite ? .unknown : .failed
        remedy = .giveUp
        reason = "the answer breaks the protocol: \(violation.problem)"
    }

    private init(_ refusal: ServerRefusal, isWrite: Bool) {
        let verdict = refusal.verdict
        let isDoubtful = verdict.effect == .possible
        code = verdict.code
        outcome = !isDoubtful ? .refused : isWrite ? .unknown : .failed
        remedy = isDoubtful && isWrite ? .giveUp : verdict.remedy
        reason = refusal.message
        self.refusal = refusal
    }

    private init(_ failure: TransportFailure, isWrite: Bool) {
        let isDoubtful = isWrite && failure.mayHaveBeenSent
        outcome = isDoubtful ? .unknown : .failed
        reason = failure.detail
        switch failure.reason {
        case .connecting, .broken: (code, remedy) = (.connection, .tryAgain)
        case .tooLarge: (code, remedy) = (.answerTooLarge, .tryAgain)
        case .tls: (code, remedy) = (.tls, .tryAgain)
        case .timedOut: (code, remedy) = (.timedOut, .tryAgain)
        case .cancelled: (code, remedy) = (.cancelled, .giveUp)
        case .closed: (code, remedy) = (.closed, .giveUp)
        case .misconfigured: (code, remedy) = (.misconfigured, .giveUp)
        }
        if isDoubtful { remedy = .giveUp }
    }
}

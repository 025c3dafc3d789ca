import Testing

@testable import EtcdClient

/// What happens after each kind of failure, for reads and for writes.
@Suite struct CallAttemptsTests {
    private let a = Endpoint(host: "a")
    private let b = Endpoint(host: "b")

    private func attempts(
        write: Bool, endpoints: [Endpoint]? = nil, canAuthenticate: Bool = false
    ) -> CallAttempts {
        let call = GatewayCall(operation: "test", path: "/", isWrite: write)
        return CallAttempts(call: call, endpoints: endpoints ?? [a, b], canAuthenticate: canAuthenticate)
    }

    private func transport(_ reason: TransportFailure.Reason, sent: Bool) -> AttemptFailure {
        .transport(TransportFailure(reason: reason, mayHaveBeenSent: sent, detail: "because"))
    }

    private func refusal(_ grpcCode: Int, _ message: String) -> AttemptFailure {
        .refusal(ServerRefusal(httpStatus: 400, grpcCode: grpcCode, message: message))
    }

    private func error(_ next: CallAttempts.Next) throws -> EtcdError {
        guard case .giveUp(let error) = next else { throw NotGivenUp() }
        return error
    }

    private struct NotGivenUp: Error {}

    @Test(arguments: [TransportFailure.Reason.connecting, .tls, .timedOut, .broken])
    func aReadGoesToTheNextEndpointWhateverWasSent(_ reason: TransportFailure.Reason) {
        var attempts = attempts(write: false)
        #expect(attempts.endpoint == a)
        #expect(attempts.next(after: transport(reason, sent: true)) == .tryAgain(after: .zero))
        #expect(attempts.endpoint == b)
    }

    @Test(arguments: [TransportFailure.Reason.connecting, .tls, .timedOut, .broken])
    func aWriteGoesToTheNextEndpointOnlyIfItNeverLeft(_ reason: TransportFailure.Reason) throws {
        var unsent = attempts(write: true)
        #expect(unsent.next(after: transport(reason, sent: false)) == .tryAgain(after: .zero))
        #expect(unsent.endpoint == b)

        var sent = attempts(write: true)
        let error = try error(sent.next(after: transport(reason, sent: true)))
        #expect(error.outcome == .unknown)
    }

    @Test func aWriteThatNeverLeftHasCertainlyFailed() throws {
        var attempts = attempts(write: true, endpoints: [a])
        _ = attempts.next(after: transport(.connecting, sent: false))
        _ = attempts.next(after: transport(.connecting, sent: false))
        let error = try error(attempts.next(after: transport(.connecting, sent: false)))
        #expect(error.outcome == .failed)
        #expect(error.code == .connection)
    }

    @Test func aWriteIsRepeatedAfterARefusalThatChangedNothing() throws {
        var attempts = attempts(write: true)
        #expect(attempts.next(after: refusal(14, "etcdserver: no leader")) == .tryAgain(after: .zero))
    }

    @Test func aWriteIsNotRepeatedAfterATimeOutOfTheServers() throws {
        var write = attempts(write: true)
        let error = try error(write.next(after: refusal(14, "etcdserver: request timed out")))
        #expect(error.code == .unavailable)
        #expect(error.outcome == .unknown)
        var read = attempts(write: false)
        #expect(read.next(after: refusal(14, "etcdserver: request timed out")) == .tryAgain(after: .zero))
    }

    @Test func theWriteThatCrossesTheQuotaMayHaveHappened() throws {
        var attempts = attempts(write: true)
        let error = try error(attempts.next(after: refusal(8, "etcdserver: mvcc: database space exceeded")))
        #expect(error.code == .noSpace)
        #expect(error.outcome == .unknown)
    }

    @Test(arguments: [true, false])
    func aRefusalIsFinal(_ write: Bool) throws {
        var attempts = attempts(write: write)
        let error = try error(attempts.next(after: refusal(3, "etcdserver: key is not provided")))
        #expect(error.code == .refused && error.outcome == .refused)
        #expect(error.grpcCode == 3 && error.httpStatus == 400)
        #expect(error.endpoint == a)
    }

    @Test(arguments: [
        (TransportFailure.Reason.cancelled, EtcdError.Code.cancelled), (.closed, .closed),
        (.misconfigured, .misconfigured),
    ])
    func whatTheCallerEndedIsNotTriedAgain(_ reason: TransportFailure.Reason, _ code: EtcdError.Code) throws {
        var attempts = attempts(write: false)
        #expect(try error(attempts.next(after: transport(reason, sent: false))).code == code)
    }

    @Test func aRejectedTokenIsRenewedTwiceAtMost() throws {
        var attempts = attempts(write: true, canAuthenticate: true)
        let rejected = refusal(16, "etcdserver: invalid auth token")
        #expect(attempts.next(after: rejected) == .renewToken)
        #expect(attempts.endpoint == a)
        #expect(attempts.next(after: rejected) == .renewToken)
        #expect(try error(attempts.next(after: rejected)).code == .unauthenticated)
    }

    @Test func withoutCredentialsThereIsNothingToRenew() throws {
        var attempts = attempts(write: false)
        let error = try error(attempts.next(after: refusal(3, "etcdserver: user name is empty")))
        #expect(error.code == .unauthenticated && error.outcome == .refused)
    }

    @Test func attemptsEndAfterTwoRoundsWithGrowingPauses() throws {
        var attempts = attempts(write: false)
        let refused = transport(.connecting, sent: false)
        #expect(attempts.next(after: refused) == .tryAgain(after: .zero))
        #expect(attempts.next(after: refused) == .tryAgain(after: .milliseconds(100)))
        #expect(attempts.next(after: refused) == .tryAgain(after: .milliseconds(200)))
        let error = try error(attempts.next(after: refused))
        #expect(error.reason == "http://a:2379: because; http://b:2379: because")
    }

    @Test func aReadLeavesUntriedEndpointsTheirShareOfTheTime() {
        var read = attempts(write: false)
        #expect(read.share(of: .seconds(10)) == .seconds(5))
        _ = read.next(after: transport(.timedOut, sent: true))
        #expect(read.share(of: .seconds(5)) == .seconds(5))
        #expect(attempts(write: true).share(of: .seconds(10)) == .seconds(10))
    }

    @Test func nonsenseAsAnAnswerToAWriteLeavesItUnknown() throws {
        var write = attempts(write: true)
        #expect(try error(write.next(after: .violation(WireViolation("no")))).outcome == .unknown)
        var read = attempts(write: false)
        #expect(try error(read.next(after: .violation(WireViolation("no")))).outcome == .failed)
    }
}

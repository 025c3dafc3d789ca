import Logging

/// Makes calls of etcd's JSON gateway: picks the endpoint, adds the token, tries again where that is safe.
final class Gateway: Sendable {
    let configuration: EtcdConfiguration
    let transport: any HTTPTransport
    let selector: EndpointSelector
    let logger: Logger
    /// nil where no credentials are configured.
    private let authentication: Authentication?

    init(configuration: EtcdConfiguration, transport: any HTTPTransport, logger: Logger) {
        let selector = EndpointSelector(configuration.endpoints)
        self.configuration = configuration
        self.transport = transport
        self.selector = selector
        self.logger = logger
        authentication = configuration.credentials.map { credentials in
            // A gateway of its own, without credentials: asking for a token must not ask for a token.
            var anonymous = configuration
            anonymous.credentials = nil
            let gateway = Gateway(
                configuration: anonymous, transport: transport, selector: selector, logger: logger)
            let passwords = UserPasswords(credentials, logger: logger)
            return Authentication { await gateway.fetchToken(passwords) }
        }
    }

    private init(
        configuration: EtcdConfiguration, transport: any HTTPTransport, selector: EndpointSelector, logger: Logger
    ) {
        self.configuration = configuration
        self.transport = transport
        self.selector = selector
        self.logger = logger
        authentication = nil
    }

    /// An answer, and who gave it.
    struct Answer: Sendable {
        var body: [UInt8]
        var endpoint: Endpoint
        /// The header `Date`, as it came.
        var date: String?
    }

    /// Makes the call and decodes the answer.
    ///
    /// - Parameter timeout: for all attempts together; nil for the configured one.
    /// - Parameter only: the one endpoint to ask; nil for whichever can answer.
    func perform<Value>(
        _ call: GatewayCall, timeout: Duration? = nil, only: Endpoint? = nil,
        decode: (Answer) throws(WireViolation) -> Value
    ) async throws(EtcdError) -> Value {
        let deadline = CallDeadline.after(timeout ?? configuration.requestTimeout)
        var attempts = CallAttempts(
            call: call, endpoints: only.map { [$0] } ?? selector.inOrder(), canAuthenticate: authentication != nil)
        var rejected: Authentication.Rejected?
        while true {
            let token = try await token(for: call, replacing: rejected, by: deadline)
            let endpoint = attempts.endpoint
            let failure: AttemptFailure
            do throws(AttemptFailure) {
                let answer = try await attempt(call, attempts, token: token, by: deadline)
                return try Self.decode(answer, decode)
            } catch {
                failure = error
            }
            switch attempts.next(after: failure) {
            case .giveUp(let error):
                if error.code.movesOn { selector.recordFailure(of: endpoint) }
                throw error
            case .renewToken:
                rejected = Authentication.Rejected(token: token)
            case .tryAgain(let pause):
                selector.recordFailure(of: endpoint)
                try await wait(pause, until: deadline, before: call, after: failure, at: endpoint)
            }
        }
    }

    /// The token to send with `call`; nil where none is needed.
    func token(
        for call: GatewayCall, replacing rejected: Authentication.Rejected?, by deadline: CallDeadline
    ) async throws(EtcdError) -> String? {
        guard call.requiresToken, let authentication else { return nil }
        return try await authentication.token(replacing: rejected, by: deadline)
    }

    var canAuthenticate: Bool { authentication != nil }

    private func attempt(
        _ call: GatewayCall, _ attempts: CallAttempts, token: String?, by deadline: CallDeadline
    ) async throws(AttemptFailure) -> Answer {
        let endpoint = attempts.endpoint
        let share = CallDeadline.after(attempts.share(of: deadline.remaining))
        let request = call.request(
            to: endpoint, token: token, configuration: configuration, deadline: share)
        let response: HTTPResponse
        do throws(TransportFailure) {
            response = try await transport.send(request)
        } catch {
            throw .transport(error)
        }
        guard response.status == 200 else { throw .refusal(ServerRefusal(response)) }
        return Answer(body: response.body, endpoint: endpoint, date: response.date)
    }

    private static func decode<Value>(
        _ answer: Answer, _ decode: (Answer) throws(WireViolation) -> Value
    ) throws(AttemptFailure) -> Value {
        do throws(WireViolation) {
            return try decode(answer)
        } catch {
            throw .violation(error)
        }
    }

    /// Waits before another attempt; gives up when the time or the task is over.
    private func wait(
        _ pause: Duration, until deadline: CallDeadline, before call: GatewayCall, after failure: AttemptFailure,
        at endpoint: Endpoint
    ) async throws(EtcdError) {
        logger.debug(
            "an etcd call failed; trying again",
            metadata: ["operation": "\(call.operation)", "endpoint": "\(endpoint)", "error": "\(failure.summary)"])
        guard deadline.remaining > pause else {
            throw EtcdError(
                code: .timedOut, outcome: .failed, operation: call.operation, endpoint: endpoint,
                reason: failure.summary)
        }
        do {
            try await Task.sleep(for: pause)
        } catch {
            throw EtcdError(
                code: .cancelled, outcome: .failed, operation: call.operation, endpoint: endpoint,
                reason: "cancelled while waiting to try again after: \(failure.summary)")
        }
    }

    /// Tries the user's passwords until one is accepted. Of several that are refused, the first one's refusal is told.
    private func fetchToken(_ passwords: UserPasswords) async -> Result<String?, EtcdError> {
        var refused: EtcdError?
        for password in await passwords.candidates() {
            let result = await fetchToken(user: passwords.username, password: password)
            guard case .failure(let error) = result, error.code == .unauthenticated else {
                if case .success = result { passwords.accept(password) }
                return result
            }
            refused = refused ?? error
        }
        return refused.map { .failure($0) } ?? .success(nil)
    }

    private func fetchToken(user: String, password: String) async -> Result<String?, EtcdError> {
        do throws(EtcdError) {
            let body = try encode(WireAuthenticateRequest(name: user, password: password), "authenticate")
            let call = GatewayCall(
                operation: "authenticate", path: "/v3/auth/authenticate", body: body, requiresToken: false)
            return .success(
                try await perform(call) { answer throws(WireViolation) in
                    try WireJSON.decode(WireAuthenticateResponse.self, from: answer.body).model()
                })
        } catch {
            guard error.reason.contains(ServerRefusal.authenticationIsOff) else { return .failure(error) }
            logger.warning("etcd's authentication is off; not using the configured user")
            return .success(nil)
        }
    }

    func encode(_ request: some Encodable, _ operation: String) throws(EtcdError) -> [UInt8] {
        do throws(WireViolation) {
            return try WireJSON.encode(request)
        } catch {
            throw EtcdError(code: .misconfigured, outcome: .failed, operation: operation, reason: error.problem)
        }
    }
}

extension AttemptFailure {
    /// The reason in few words, for logs.
    var summary: String {
        switch self {
        case .refusal(let refusal): refusal.message
        case .transport(let failure): failure.detail
        case .violation(let violation): violation.problem
        }
    }
}

extension EtcdError.Code {
    /// The endpoint is to blame, and the next call should begin with another one.
    fileprivate var movesOn: Bool {
        switch self {
        case .unavailable, .timedOut, .tls, .connection, .protocolViolation, .answerTooLarge: true
        default: false
        }
    }
}

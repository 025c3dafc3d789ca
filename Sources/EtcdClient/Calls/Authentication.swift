import Logging

/// The token that goes with every call: fetched once, shared by all, fetched again when etcd rejects it.
actor Authentication {
    /// What was sent and not accepted.
    struct Rejected: Sendable {
        var token: String?
    }

    /// Asks etcd for a token; nil where authentication is off there.
    typealias Fetch = @Sendable () async -> Result<String?, EtcdError>

    private let fetch: Fetch
    /// nil: never fetched. A nil token within: etcd wants none.
    private var current: String??
    private var renewal: SharedResult<Result<String?, EtcdError>>?

    init(fetch: @escaping Fetch) {
        self.fetch = fetch
    }

    /// The token to send, a new one where `rejected` is still the current one. However many calls find theirs
    /// rejected, etcd is asked once: it hashes the password each time, slowly on purpose.
    func token(replacing rejected: Rejected?, by deadline: CallDeadline) async throws(EtcdError) -> String? {
        if renewal == nil, let current, rejected.map({ $0.token != current }) ?? true { return current }
        let renewal = renewal ?? startRenewal()
        guard let result = await deadline.race({ await renewal.wait() }) else { throw Self.gaveUp() }
        return try result.get()
    }

    /// Runs on its own: the call that started it may be cancelled while others wait for the same token.
    private func startRenewal() -> SharedResult<Result<String?, EtcdError>> {
        let shot = SharedResult<Result<String?, EtcdError>>()
        renewal = shot
        Task {
            let result = await fetch()
            finishRenewal(result)
            shot.fulfil(result)
        }
        return shot
    }

    private func finishRenewal(_ result: Result<String?, EtcdError>) {
        renewal = nil
        if case .success(let token) = result { current = .some(token) }
    }

    private static func gaveUp() -> EtcdError {
        EtcdError(
            code: Task.isCancelled ? .cancelled : .timedOut, outcome: .failed, operation: "authenticate",
            reason: "etcd granted no token in time")
    }
}

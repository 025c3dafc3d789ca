/// Why a call to etcd gave no result, and what that means for the data.
///
/// Contains no password and no token.
public struct EtcdError: Error, Sendable, Equatable {
    public enum Code: String, Sendable {
        /// The request is invalid or its condition does not hold: a lease ID that exists, a revision in the future.
        case refused
        /// Wrong user or password, or none where etcd demands one.
        case unauthenticated
        /// The user has no role that allows this on this key.
        case permissionDenied
        /// The lease has expired, was revoked or never was.
        case leaseNotFound
        /// The revision asked for has been compacted away.
        case compacted
        /// Above etcd's limits: 1.5 MiB a request, 128 operations a transaction, unless the server says otherwise.
        case tooLarge
        /// The server's space quota is used up.
        case noSpace
        /// The member cannot serve: no leader, overloaded, shutting down.
        case unavailable
        /// The deadline has passed.
        case timedOut
        /// The calling task was cancelled.
        case cancelled
        /// What answered is no etcd gateway, or one that breaks the protocol.
        case protocolViolation
        /// The answer was larger than the client keeps of one, see ``AnswerLimits``.
        case answerTooLarge
        /// A certificate or the handshake.
        case tls
        /// Not reachable, or the connection broke.
        case connection
        /// The client has been shut down.
        case closed
        /// The client could not even try: libcurl or the system refused.
        case misconfigured
    }

    /// What is known about the effect of the call.
    public enum Outcome: String, Sendable {
        /// The server said no; nothing has changed.
        case refused
        /// Nothing has changed: the request never reached a server, or it was a read.
        case failed
        /// A write may or may not have happened. Read back before anything else; never just repeat.
        case unknown
    }

    public var code: Code
    public var outcome: Outcome
    /// The call that failed: `put`, `transaction`, `watch`, …
    public var operation: String
    /// Where it failed last; nil when no endpoint came into it.
    public var endpoint: Endpoint?
    /// Why, in the words of the server or of libcurl, for each endpoint that was tried.
    public var reason: String
    /// The HTTP status of an answer.
    public var httpStatus: Int?
    /// The gRPC code of an answer.
    public var grpcCode: Int?

    public init(
        code: Code, outcome: Outcome, operation: String, endpoint: Endpoint? = nil, reason: String,
        httpStatus: Int? = nil, grpcCode: Int? = nil
    ) {
        self.code = code
        self.outcome = outcome
        self.operation = operation
        self.endpoint = endpoint
        self.reason = reason
        self.httpStatus = httpStatus
        self.grpcCode = grpcCode
    }
}

extension EtcdError: CustomStringConvertible {
    /// One sentence on what happened and one on what to do.
    public var description: String {
        let place = endpoint.map { " at \($0)" } ?? ""
        let doubt = outcome == .unknown ? ", and it is unknown whether the write happened" : ""
        return "etcd \(operation)\(place) \(verb)\(doubt): \(reason).\(advice.map { " \($0)" } ?? "")"
    }

    private var verb: String {
        switch code {
        case .timedOut: "timed out"
        case .cancelled: "was cancelled"
        default: outcome == .refused ? "was refused" : "failed"
        }
    }

    private var advice: String? {
        switch code {
        case .refused, .cancelled, .closed, .leaseNotFound: nil
        case .unauthenticated: "Check the etcd user name and password."
        case .permissionDenied: "Grant the etcd user a role with readwrite permission on the key prefix in use."
        case .compacted: "Read the current state and go on from its revision."
        case .tooLarge: "Make the request smaller, or raise etcd's --max-request-bytes or --max-txn-ops."
        case .noSpace: "Compact and defragment etcd, then disarm its alarm, or raise --quota-backend-bytes."
        case .unavailable: "Check that the cluster has a leader: etcdctl endpoint status."
        case .timedOut: "Check that etcd runs, is not overloaded and can be reached from here."
        case .protocolViolation: "Check that the endpoint is an etcd 3.4 or later with its JSON gateway on."
        case .answerTooLarge: "Check that the endpoint is an etcd, and how large the keys below the prefix are."
        case .tls: "Check the CA, certificate and key files and that the certificate names this host."
        case .connection: "Check the endpoint's address and that etcd is running."
        case .misconfigured: "Check the client's settings and the process's resource limits."
        }
    }
}

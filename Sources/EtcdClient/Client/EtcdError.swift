/// Why a call to etcd gave no result, and what that means for the data.
///
/// An error contains no password and no token.
public struct EtcdError: Error, Sendable, Equatable {
    public enum Code: String, Sendable {
        /// The request is invalid, or its condition does not hold: a lease ID that already exists, a revision in the future.
        case refused
        /// The user or password is wrong, or missing although etcd demands one.
        case unauthenticated
        /// The user has no role that allows this on this key.
        case permissionDenied
        /// The lease has expired, was revoked or never existed.
        case leaseNotFound
        /// The requested revision has been compacted away.
        case compacted
        /// The request is above etcd's limits: 1.5 MiB per request and 128 operations per transaction by default.
        case tooLarge
        /// The server's space quota is used up.
        case noSpace
        /// The member cannot serve: no leader, overloaded, shutting down.
        case unavailable
        /// The deadline has passed.
        case timedOut
        /// The calling task was cancelled.
        case cancelled
        /// The answer does not come from an etcd gateway, or breaks the protocol.
        case protocolViolation
        /// The answer is larger than the client accepts; see ``AnswerLimits``.
        case answerTooLarge
        /// A certificate is bad, or the TLS handshake failed.
        case tls
        /// The endpoint cannot be reached, or the connection broke.
        case connection
        /// The client has been shut down.
        case closed
        /// The client could not even try, because libcurl or the system refused.
        case misconfigured
    }

    /// What is known about the effect of the call.
    public enum Outcome: String, Sendable {
        /// The server said no; nothing has changed.
        case refused
        /// Nothing has changed: the request never reached a server, or it was a read.
        case failed
        /// A write may or may not have happened. Read back before you do anything else; never just repeat it.
        case unknown
    }

    public var code: Code
    public var outcome: Outcome
    /// The call that failed: `put`, `transaction`, `watch`, …
    public var operation: String
    /// The endpoint where it failed last; nil if no endpoint was involved.
    public var endpoint: Endpoint?
    /// The reason in the words of the server or of libcurl, for each endpoint that the client tried.
    public var reason: String
    /// The HTTP status of the answer, if there was one.
    public var httpStatus: Int?
    /// The gRPC code of the answer, if there was one.
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

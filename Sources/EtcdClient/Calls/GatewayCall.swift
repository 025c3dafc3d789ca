/// One call of the gateway: what is sent, and what may be done when it fails.
struct GatewayCall: Sendable {
    /// The name for errors and logs.
    var operation: String
    var path: String
    /// nil: a GET.
    var body: [UInt8]?
    /// Something may change by it: it is never sent a second time unless the first has certainly done nothing.
    var isWrite = false
    /// A member that has lost its leader refuses at once, instead of keeping the call until its own time-out.
    var requiresLeader = true
    /// False for what etcd answers without a user: authentication itself, health and version.
    var requiresToken = true
    /// A page of keys may be larger than any other answer.
    var bringsPage = false

    /// What is sent with `token`.
    func request(
        to endpoint: Endpoint, token: String?, configuration: EtcdConfiguration, deadline: CallDeadline?
    ) -> HTTPRequest {
        var headers: [HTTPHeader] = []
        if body != nil { headers.append(HTTPHeader(name: "Content-Type", value: "application/json")) }
        if requiresLeader { headers.append(HTTPHeader(name: "Grpc-Metadata-hasleader", value: "true")) }
        if let token { headers.append(HTTPHeader(name: "Authorization", value: token)) }
        return HTTPRequest(
            endpoint: endpoint, method: body.map { .post($0) } ?? .get, path: path, headers: headers,
            deadline: deadline?.instant, connectTimeout: configuration.connectTimeout,
            largestHead: configuration.limits.headerBytes,
            largestBody: bringsPage ? configuration.limits.pageBytes : configuration.limits.answerBytes)
    }
}

/// Why one attempt at a call failed.
enum AttemptFailure: Error, Sendable, Equatable {
    case refusal(ServerRefusal)
    case transport(TransportFailure)
    /// An answer with status 200 that makes no sense.
    case violation(WireViolation)
}

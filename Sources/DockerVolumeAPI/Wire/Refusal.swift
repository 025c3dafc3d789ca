import LocalHTTP

/// A request that is answered without the plugin.
enum Refusal: Error, Equatable {
    case routing(RoutingFailure)
    case badRequest(BadRequest)
    /// The body is longer than the limit, in bytes.
    case tooLarge(Route?, limit: Int)
    /// The bytes are no HTTP, or the client stopped sending in the middle. The route is known once the head was read.
    case notHTTP(Route?, why: String)

    /// What the client gets. Every answer to a Get that is no volume reads "there is no such volume" to Docker, and a
    /// malformed Get comes from a daemon that retried: it gets none.
    var answer: Answer {
        switch self {
        case .tooLarge(.operation(.get), _), .notHTTP(.operation(.get), _): return .hangUp
        case .badRequest(let bad) where bad.operation == .get: return .hangUp
        case .routing(.wrongMethod(_, _, let allowed)):
            return .reply(Reply(status: .methodNotAllowed, allow: allowed, body: Reply.error(text).body))
        case .routing(.unknownPath): return .reply(.error(text, status: .notFound))
        case .tooLarge: return .reply(.error(text, status: .payloadTooLarge))
        case .badRequest, .notHTTP: return .reply(.error(text, status: .badRequest))
        }
    }

    /// The call that was meant, for the metrics.
    var operation: Operation? {
        switch self {
        case .badRequest(let bad): bad.operation
        case .tooLarge(.operation(let operation), _), .notHTTP(.operation(let operation), _): operation
        case .routing, .tooLarge, .notHTTP: nil
        }
    }

    /// For a person.
    var text: String {
        switch self {
        case .routing(.unknownPath(let path)):
            "unknown path '\(path.prefix(100))': this socket answers Docker's volume plugin calls, /healthz and /metrics"
        case .routing(.wrongMethod(let method, let path, let allowed)):
            "\(path) must be called with \(allowed.rawValue), not \(method)"
        case .badRequest(let bad): bad.description
        case .tooLarge(let route, let limit):
            "\(Self.title(route))the request body is longer than \(limit) bytes"
        case .notHTTP(let route, let why): "\(Self.title(route))the request is not valid HTTP: \(why)"
        }
    }

    private static func title(_ route: Route?) -> String {
        guard case .operation(let operation)? = route else { return "" }
        return "\(operation.title): "
    }
}

/// What the client of a call gets.
package enum Answer: Equatable, Sendable {
    case reply(Reply)
    /// The connection is closed without a reply, so that the client sees a failed transport and nothing else.
    case hangUp
}

/// One small response.
package struct Reply: Equatable, Sendable {
    package enum Status: Int, Sendable {
        case ok = 200
        case badRequest = 400
        case unauthorized = 401
        case notFound = 404
        case methodNotAllowed = 405
        case payloadTooLarge = 413
        case internalServerError = 500
        case serviceUnavailable = 503
    }

    package var status: Status
    package var contentType: String
    /// The only method the path knows, told with a 405.
    package var allow: String?
    /// How the client has to prove who it is, told with a 401.
    package var challenge: String?
    package var body: [UInt8]

    package init(
        status: Status = .ok, contentType: String, allow: String? = nil, challenge: String? = nil, body: [UInt8]
    ) {
        self.status = status
        self.contentType = contentType
        self.allow = allow
        self.challenge = challenge
        self.body = body
    }
}

/// What a request line asks for.
package struct RequestTarget: Hashable, Sendable {
    /// `GET`, `POST` or another.
    package let method: String
    /// The path, and the query if there is one.
    package let uri: String

    package init(method: String, uri: String) {
        self.method = method
        self.uri = uri
    }
}

/// A request that has arrived as a whole.
package struct Request: Sendable {
    package let target: RequestTarget
    package let body: [UInt8]
    /// What the client says to prove who it is, as it came. A secret: never logged, never repeated.
    package let authorization: String?
}

/// Why a request cannot be read.
package enum RequestFault: Equatable, Sendable {
    /// The body is longer than the limit, in bytes.
    case tooLarge(limit: Int)
    /// The bytes are no HTTP, or the client stopped sending in the middle.
    case notHTTP(why: String)
}

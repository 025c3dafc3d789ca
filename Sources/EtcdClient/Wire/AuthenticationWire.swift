/// `AuthenticateRequest`, to `/v3/auth/authenticate`.
struct WireAuthenticateRequest: Encodable, Sendable {
    var name: String
    var password: String
}

struct WireAuthenticateResponse: Decodable, Sendable {
    var token: String

    func model() throws(WireViolation) -> String {
        guard !token.isEmpty else { throw WireViolation("field token is empty") }
        return token
    }
}

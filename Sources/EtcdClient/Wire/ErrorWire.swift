/// The body of an error: `{"error":…,"message":…,"code":…}`; 3.6 leaves `error` out.
private struct WireError: Decodable {
    var message: String?
    var error: String?
    var code: Int?
}

/// What a streamed answer can hold in place of a result.
struct WireStreamError: Decodable, Sendable {
    var grpc_code: Int?
    var code: Int?
    var http_code: Int?
    var message: String?

    var refusal: ServerRefusal {
        ServerRefusal(httpStatus: http_code, grpcCode: grpc_code ?? code, message: message ?? "no reason given")
    }
}

/// One line of a streamed answer.
struct WireStreamLine<Value: Decodable & Sendable>: Decodable, Sendable {
    var result: Value?
    var error: WireStreamError?
}

extension ServerRefusal {
    /// Reads the body of an answer whose status is not 200.
    init(_ response: HTTPResponse) {
        let parsed = try? WireJSON.decode(WireError.self, from: response.body)
        if let message = parsed?.message ?? parsed?.error {
            self.init(httpStatus: response.status, grpcCode: parsed?.code, message: message)
        } else if let refusal = Self.streamed(response) {
            self = refusal
        } else {
            self.init(
                httpStatus: response.status, grpcCode: nil,
                message: "HTTP status \(response.status) \"\(Self.excerpt(response.body))\"")
        }
    }

    /// A streaming call that fails before its first result: the same object as in the stream, with a status.
    private static func streamed(_ response: HTTPResponse) -> ServerRefusal? {
        var refusal = (try? WireJSON.decode(WireStreamLine<WireHeaderOnlyResponse>.self, from: response.body))?
            .error?.refusal
        refusal?.httpStatus = response.status
        return refusal
    }

    /// Reads a watch's `cancel_reason`: `rpc error: code = PermissionDenied desc = etcdserver: permission denied`.
    /// One of another form counts as "unavailable": connecting again is right unless the text is a known one.
    init(cancelReason: String) {
        let parts = cancelReason.split(separator: " desc = ", maxSplits: 1)
        let name = parts.first?.split(separator: "code = ").last.map(String.init)
        if parts.count == 2, let name, let code = Self.grpcCodes[name] {
            self.init(grpcCode: code, message: String(parts[1]))
        } else {
            let message = cancelReason.isEmpty ? "the server cancelled the watch without a reason" : cancelReason
            self.init(grpcCode: 14, message: message)
        }
    }

    private static let grpcCodes = [
        "Canceled": 1, "Unknown": 2, "InvalidArgument": 3, "DeadlineExceeded": 4, "NotFound": 5, "AlreadyExists": 6,
        "PermissionDenied": 7, "ResourceExhausted": 8, "FailedPrecondition": 9, "Aborted": 10, "OutOfRange": 11,
        "Unimplemented": 12, "Internal": 13, "Unavailable": 14, "DataLoss": 15, "Unauthenticated": 16,
    ]

    /// Enough of a strange body to recognise who has answered.
    private static func excerpt(_ body: [UInt8]) -> String {
        let text = String(decoding: body.prefix(200), as: UTF8.self)
        return String(text.map { $0.isNewline ? " " : $0 }.prefix(120))
    }
}

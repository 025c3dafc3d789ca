import NIOCore
import NIOHTTP1

/// What is needed of a request's head once the request is whole.
struct Exchange: Equatable, Sendable {
    var version = HTTPVersion.http1_1
    var keepAlive = false
    /// A secret.
    var authorization: String?
}

/// Puts one request of a connection together, part by part, without doing anything.
///
/// A body beyond the limit is refused as soon as that is known. What the client still sends is thrown away, so that it
/// gets to read the refusal instead of a broken pipe, but not for ever.
struct RequestAssembly {
    enum Step: Equatable {
        case wait
        /// The client asked whether it may send the body.
        case sendContinue
        case dispatch(RequestTarget, body: ByteBuffer, Exchange)
        case refuse(RequestFault, of: RequestTarget?, Exchange)
        case close
    }

    private enum State {
        case idle
        case receiving(RequestTarget, body: ByteBuffer, Exchange)
        case discarding(bytes: Int)
    }

    /// How many times the limit is read and thrown away after a refusal.
    private static let patience = 16

    private let limit: Int
    private var state = State.idle

    /// - Parameter limit: the longest body that is accepted, in bytes.
    init(limit: Int) {
        self.limit = limit
    }

    /// No request has begun that is not complete.
    var isIdle: Bool {
        if case .idle = state { true } else { false }
    }

    mutating func head(_ head: HTTPRequestHead) -> Step {
        // After a request that asks for an upgrade the decoder reads no further ones.
        let keepAlive = head.isKeepAlive && !head.headers.contains(name: "upgrade") && head.method != .CONNECT
        let version = head.version == .http1_0 ? HTTPVersion.http1_0 : .http1_1
        let exchange = Exchange(
            version: version, keepAlive: keepAlive, authorization: head.headers.first(name: "authorization"))
        let target = RequestTarget(method: head.method.rawValue, uri: head.uri)
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > limit {
            return refuseTooLarge(target)
        }
        state = .receiving(target, body: ByteBuffer(), exchange)
        let expectations = head.headers[canonicalForm: "expect"].map { $0.lowercased() }
        return expectations.contains("100-continue") && version == .http1_1 ? .sendContinue : .wait
    }

    mutating func body(_ part: ByteBuffer) -> Step {
        switch state {
        case .idle: return .wait
        case .discarding(let bytes):
            state = .discarding(bytes: bytes + part.readableBytes)
            return bytes + part.readableBytes > limit * Self.patience ? .close : .wait
        case .receiving(let target, var body, let exchange):
            guard body.readableBytes + part.readableBytes <= limit else { return refuseTooLarge(target) }
            state = .idle  // Lets go of the body, so that it is added to in place.
            body.writeImmutableBuffer(part)
            state = .receiving(target, body: body, exchange)
            return .wait
        }
    }

    mutating func end() -> Step {
        switch state {
        case .idle: return .wait
        case .discarding: return .close
        case .receiving(let target, let body, let exchange):
            state = .idle
            return .dispatch(target, body: body, exchange)
        }
    }

    /// The bytes cannot be read as HTTP any further.
    mutating func broken(_ why: String) -> Step {
        switch state {
        case .discarding: return .close
        case .idle: return .refuse(.notHTTP(why: why), of: nil, Exchange())
        case .receiving(let target, _, _):
            state = .idle
            return .refuse(.notHTTP(why: why), of: target, Exchange())
        }
    }

    private mutating func refuseTooLarge(_ target: RequestTarget) -> Step {
        state = .discarding(bytes: 0)
        return .refuse(.tooLarge(limit: limit), of: target, Exchange())
    }
}

import NIOCore

/// Where a server listens.
package enum Endpoint: Sendable, Hashable {
    /// Whoever may open the file may connect: root.
    case unix(path: String)
    /// Whoever reaches the address may connect. So there are few connections at a time, and none for long without a word: they
    /// would use up the descriptors that the unix socket's clients need.
    /// - host: a numeric address, without brackets.
    case tcp(host: String, port: Int)

    var mostConnections: Int {
        switch self {
        case .unix: .max
        case .tcp: 32
        }
    }

    /// How long a connection may stay on which nothing is sent or received; `nil` for any time.
    var longestIdle: Duration? {
        switch self {
        case .unix: nil
        case .tcp: .seconds(60)
        }
    }
}

extension Endpoint: CustomStringConvertible {
    /// The path, or `127.0.0.1:9285`, `[::1]:9285`.
    package var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}

/// Closes a connection on which nothing has happened for long.
final class IdleConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

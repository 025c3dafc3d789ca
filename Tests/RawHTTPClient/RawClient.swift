import NIOCore
import NIOPosix
import Synchronization

/// A reply as it stood on the wire.
package struct RawReply: Equatable, Sendable {
    package var statusLine: String
    package var headers: [String: String]
    package var body: String

    package var status: Int? {
        statusLine.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
}

/// The connection ended in the middle of a reply.
package struct TruncatedReply: Error {
    package var bytes: String
}

/// A client that sends whatever bytes a test wants.
package final class RawClient: Sendable {
    private struct Inbox {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let client: RawClient

        init(_ client: RawClient) {
            self.client = client
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = Self.unwrapInboundIn(data)
            client.change { $0.bytes += buffer.readableBytesView }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { client.change { $0.isClosed = true } }
        }

        func channelInactive(context: ChannelHandlerContext) {
            client.change { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private let inbox = Mutex(Inbox())
    private let connection = Mutex<(any Channel)?>(nil)

    /// - Parameter reads: false for a client that never takes what it is sent.
    package static func connect(to path: String, reads: Bool = true) async throws -> RawClient {
        let client = RawClient()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(client))
                }
            }
            .connect(unixDomainSocketPath: path).get()
        client.connection.withLock { $0 = channel }
        return client
    }

    private func change(_ body: (inout sending Inbox) -> Void) {
        inbox.withLock { body(&$0) }
    }

    // MARK: Sending

    package func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    package func send(_ bytes: [UInt8]) async throws {
        try await connection.withLock { $0 }?.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// A POST as dockerd sends it.
    package func post(_ path: String, _ body: String = "{}") async throws {
        try await send(RawClient.request(path, body))
    }

    package static func request(_ path: String, _ body: String = "{}") -> String {
        """
        POST \(path) HTTP/1.1\r
        Host: %2Frun%2Fdocker%2Fplugins%2Frbd.sock\r
        User-Agent: Go-http-client/1.1\r
        Content-Length: \(body.utf8.count)\r
        Accept: application/vnd.docker.plugins.v1.2+json\r
        \r
        \(body)
        """
    }

    /// Says that nothing more will be sent, but goes on reading.
    package func endSending() async throws {
        try await connection.withLock { $0 }?.close(mode: .output)
    }

    package func close() async throws {
        try await connection.withLock { $0 }?.close()
    }

    // MARK: Receiving

    /// From now on it takes what it is sent.
    package func beginReading() async throws {
        try await connection.withLock { $0 }?.setOption(.autoRead, value: true).get()
    }

    /// The next reply; nil when the server closed the connection instead. Throws when the test's time is up.
    package func reply() async throws -> RawReply? {
        while true {
            let (reply, isClosed, rest) = inbox.withLock { inbox in
                (RawClient.takeReply(from: &inbox.bytes), inbox.isClosed, inbox.bytes)
            }
            if let reply { return reply }
            if isClosed {
                guard rest.isEmpty else { throw TruncatedReply(bytes: String(decoding: rest, as: UTF8.self)) }
                return nil
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private static func takeReply(from bytes: inout [UInt8]) -> RawReply? {
        let text = bytes.lazy.map { Character(Unicode.Scalar($0)) }
        guard let end = headEnd(bytes) else { return nil }
        let lines = String(text[..<end]).split(separator: "\r\n").map(String.init)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let bodyStart = end + 4
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard bytes.count >= bodyStart + length else { return nil }
        let body = String(decoding: bytes[bodyStart..<bodyStart + length], as: UTF8.self)
        bytes.removeFirst(bodyStart + length)
        return RawReply(statusLine: lines.first ?? "", headers: headers, body: body)
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...bytes.count - 4).first { bytes[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) }
    }
}

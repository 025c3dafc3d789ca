import Glibc
import Synchronization

/// An HTTP server on loopback that does what a test tells it to, good or bad, and counts what it was sent.
final class ScriptedServer: Sendable {
    enum Reaction: Sendable {
        /// Answers and keeps the connection.
        case answer(status: Int, body: String, headers: [String] = [])
        /// Sends these bytes as they are, in these pieces, then closes the connection.
        case raw([String])
        /// Sends the first text, then the second one again and again, for as long as the client takes it, and at most
        /// ``most`` bytes.
        case endless(String, String)
        /// Closes the connection without a word.
        case hangUp
        /// Keeps the connection and never answers.
        case silence
    }

    struct Received: Sendable {
        var head: String
        var body: String
        /// Which connection it came on, from 1.
        var connection: Int
    }

    let port: UInt16
    private let listener: Int32
    private let script: @Sendable (Received, _ number: Int) -> Reaction
    private struct State {
        var requests: [Received] = []
        var connections: [Int32] = []
        var accepted = 0
        var closed = 0
        var sent = 0
    }
    private let state = Mutex(State())

    /// - Parameter script: what to do with each whole request, counted from 1.
    init(_ script: @escaping @Sendable (Received, _ number: Int) -> Reaction) throws {
        (listener, port) = try Self.listen(backlog: 64)
        self.script = script
        Thread.run { [self] in acceptAll() }
    }

    var address: String { "127.0.0.1:\(port)" }
    var requests: [Received] { state.withLock { $0.requests } }
    var acceptedConnections: Int { state.withLock { $0.accepted } }
    /// How many connections this end has closed by itself.
    var closedConnections: Int { state.withLock { $0.closed } }
    /// How many bytes the clients, or the kernel for them, have taken.
    var sentBytes: Int { state.withLock { $0.sent } }

    /// Ends all connections.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        let connections = state.withLock { $0.connections }
        for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    /// A listening socket on a port of the kernel's choice.
    static func listen(backlog: Int32) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) | Glibc.listen(descriptor, backlog) | getsockname(descriptor, $0, &size)
            }
        }
        guard code == 0 else { throw SocketError() }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    struct SocketError: Error {}

    private func acceptAll() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            let number = state.withLock { state in
                state.connections.append(connection)
                state.accepted += 1
                return state.accepted
            }
            Thread.run { [self] in serve(connection, number: number) }
        }
        close(listener)
    }

    private func serve(_ connection: Int32, number: Int) {
        var buffered: [UInt8] = []
        loop: while let (head, body) = Self.readRequest(connection, &buffered) {
            let received = Received(head: head, body: body, connection: number)
            let count = state.withLock { state in
                state.requests.append(received)
                return state.requests.count
            }
            switch script(received, count) {
            case .answer(let status, let body, let headers):
                let lines = ["HTTP/1.1 \(status) X", "Content-Length: \(body.utf8.count)"] + headers
                send(connection, lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
            case .raw(let pieces):
                for piece in pieces { send(connection, piece) }
                break loop
            case .endless(let head, let piece):
                sendWithoutEnd(connection, head, piece)
                break loop
            case .hangUp: break loop
            case .silence: continue
            }
        }
        shutdown(connection, Int32(SHUT_RDWR))
        state.withLock { $0.closed += 1 }
    }

    private static func readRequest(_ connection: Int32, _ buffered: inout [UInt8]) -> (String, String)? {
        while true {
            if let request = takeRequest(&buffered) { return request }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            buffered += chunk[..<count]
        }
    }

    private static func takeRequest(_ buffered: inout [UInt8]) -> (String, String)? {
        guard let end = buffered.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: buffered[..<end.lowerBound], as: UTF8.self)
        let length =
            head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst(16)) } ?? 0
        guard buffered.count >= end.upperBound + length else { return nil }
        let body = String(decoding: buffered[end.upperBound..<end.upperBound + length], as: UTF8.self)
        buffered.removeFirst(end.upperBound + length)
        return (head, body)
    }

    /// What a client that sets no bounds of its own would have to take.
    static let most = 256 << 20

    private func sendWithoutEnd(_ connection: Int32, _ head: String, _ piece: String) {
        // Small pieces go out together: one call of the kernel for each would take too long.
        let block = String(repeating: piece, count: max(1, 65536 / piece.utf8.count))
        var sent = send(connection, head) ? head.utf8.count : Self.most
        while sent < Self.most, send(connection, block) { sent += block.utf8.count }
    }

    /// False when the client has gone.
    @discardableResult
    private func send(_ connection: Int32, _ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
            state.withLock { $0.sent += count }
        }
        return true
    }
}

/// A thread for a connection: blocking reads would starve a pool.
enum Thread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func run(_ body: @escaping @Sendable () -> Void) {
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        pthread_detach(thread)
    }
}

/// A port that neither refuses nor accepts: connecting to it hangs.
final class HangingPort: Sendable {
    let port: UInt16
    private let descriptors: [Int32]

    init() throws {
        let listener: Int32
        (listener, port) = try ScriptedServer.listen(backlog: 0)
        var descriptors = [listener]
        // The queue of a listener that never accepts takes a few connections; after those, nobody answers.
        for _ in 0..<4 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            address.sin_port = port.bigEndian
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = connect(filler, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            descriptors.append(filler)
        }
        self.descriptors = descriptors
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }
}

import FoundationEssentials
import Glibc
import LocalHTTP
import Logging
import Rig
import Testing

/// A server on a TCP port, which anybody may reach.
@Suite("A server on a TCP port", .timeLimit(.minutes(5)))
struct TCPServerTests {
    private static func withServer(_ body: (UInt16, LocalServer<ScriptedService>) async throws -> Void) async throws {
        let port = try LoopbackPorts.free(1)[0]
        let server = LocalServer(
            endpoint: .tcp(host: "127.0.0.1", port: Int(port)), budget: .seconds(25), maximumBodySize: 1024,
            service: ScriptedService(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await server.start()
        do {
            try await body(port, server)
        } catch {
            await server.drain(timeout: .zero)
            throw error
        }
        await server.drain(timeout: .zero)
    }

    @Test("It answers; a second server is refused the port by name")
    func answers() async throws {
        try await Self.withServer { port, _ in
            let client = try TCPClient(port)
            try client.send("GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.received(until: "at once").hasPrefix("HTTP/1.1 200 OK"))
            let second = LocalServer(
                endpoint: .tcp(host: "127.0.0.1", port: Int(port)), budget: .seconds(25), maximumBodySize: 1024,
                service: ScriptedService(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let error = await #expect(throws: SocketError.self) { try await second.start() }
            #expect(error?.description.hasPrefix("cannot listen on 127.0.0.1:\(port): ") == true)
            #expect(error?.description.contains("Address already in use") == true)
        }
    }

    @Test("Those who connect and say nothing do not use up the process's descriptors")
    func manyConnections() async throws {
        try await Self.withServer { port, _ in
            let clients = try (0..<40).map { _ in try TCPClient(port) }
            // Those beyond the 32nd are told so by the end of their connections, in whatever order the server has noticed them.
            try await eventually("eight connections to end") { try clients.filter { try $0.hasEnded }.count == 8 }
            let first = try #require(try clients.first { try !$0.hasEnded })
            try first.send("GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await first.received(until: "at once").contains("200 OK"))
        }
    }
}

/// A connection that is looked at without waiting in the kernel.
private final class TCPClient: Sendable {
    private let descriptor: CInt

    init(_ port: UInt16) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw RigFailure("cannot connect to port \(port): \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let sent = Array(text.utf8).withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        guard sent == text.utf8.count else { throw RigFailure("the connection is gone: \(errno)") }
    }

    /// Whether the server has closed it, and nothing is left to be read.
    var hasEnded: Bool {
        get throws {
            var byte: UInt8 = 0
            let count = recv(descriptor, &byte, 1, CInt(MSG_DONTWAIT | MSG_PEEK))
            return count == 0 || (count < 0 && errno != EAGAIN)
        }
    }

    func received(until end: String) async throws -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: text, as: UTF8.self).contains(end) {
            let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            if count > 0 { text += buffer[..<count] } else { try await Task.sleep(for: .milliseconds(5)) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

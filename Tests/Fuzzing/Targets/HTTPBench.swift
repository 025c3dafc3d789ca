import DockerVolumeAPI
import FoundationEssentials
import Glibc
import LocalHTTP
import Logging
import NIOPosix
import Rig
import Synchronization

/// The plugin's socket, with nothing behind it, and raw clients.
final class HTTPBench: Sendable {
    private let folder: FuzzFolder
    private let server = Mutex<VolumeServer?>(nil)

    init(_ name: String) { folder = FuzzFolder(name) }

    /// What a client got until its connection ended.
    struct Conversation {
        var bytes: [UInt8] = []
        /// Whether the server has ended it. The client has waited for long if not.
        var isEnded = false
    }

    /// Sends these pieces one after the other, then says that no more will come, and reads to the end.
    func converse(_ pieces: [[UInt8]]) async throws(Broken) -> Conversation {
        do {
            try await serve()
            let path = socket
            return try await NIOThreadPool.singleton.runIfActive { try RawConversation(to: path).run(pieces) }
        } catch {
            throw Broken("the socket cannot be used: \(error)")
        }
    }

    /// Ends the server, which must not wait for anybody: no connection and no work is left.
    func end() async throws(Broken) {
        guard let running = server.withLock({ $0.take() }) else { return }
        let began = ContinuousClock.now
        let report = await running.drain(timeout: RawConversation.patience * 2)
        try hold(report.stillRunning == 0, "\(report.stillRunning) calls have never ended")
        try hold(ContinuousClock.now - began < RawConversation.patience * 2, "a connection has never ended")
    }

    private var socket: String { "\(folder.path)/s" }

    private func serve() async throws {
        guard server.withLock({ $0 == nil }) else { return }
        let new = VolumeServer(
            configuration: .init(socketPath: socket, maximumBodySize: 1 << 12), plugin: EchoPlugin(),
            metricsText: { "" }, logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
        try await new.start()
        server.withLock { $0 = new }
    }
}

/// Shows in each answer what was asked.
private struct EchoPlugin: VolumePlugin {
    func create(name: String, options: [String: String]) async throws { for _ in 0..<8 { await Task.yield() } }
    func remove(name: String) async throws { throw RigFailure("cannot remove \(name)") }
    func mount(name: String, id: String) async throws -> String { "/mnt/\(name)" }
    func path(name: String) async throws -> String { "/path/\(name)" }
    func unmount(name: String, id: String) async throws {}
    func get(name: String) async throws -> VolumeDescription {
        if name.hasPrefix("?") { throw NoTruthfulAnswer(why: "nobody knows") }
        return VolumeDescription(name: name)
    }
    func list() async throws -> [VolumeDescription] { [] }
    func health() async -> HealthReport { HealthReport(healthy: true, components: []) }
}

/// One client on a plain socket. All calls block.
private struct RawConversation {
    /// For a server that is at work on nothing else.
    static let patience = Duration.seconds(30)

    private let descriptor: CInt

    init(to path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw RigFailure("connect: \(errno)")
        }
    }

    func run(_ pieces: [[UInt8]]) -> HTTPBench.Conversation {
        defer { close(descriptor) }
        var conversation = HTTPBench.Conversation()
        var rest = pieces.filter { !$0.isEmpty }[...]
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        if rest.isEmpty { shutdown(descriptor, CInt(SHUT_WR)) }
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            var waiting = pollfd(fd: descriptor, events: Int16(rest.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0)
            guard poll(&waiting, 1, 1000) > 0 else { continue }
            if waiting.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                // A server that closes with something unread resets the connection.
                if count == 0 || count < 0 && errno != EAGAIN {
                    conversation.isEnded = true
                    return conversation
                }
                if count > 0 { conversation.bytes += buffer[..<count] }
            }
            if waiting.revents & Int16(POLLOUT) != 0, let piece = rest.first {
                let count = send(descriptor, piece, piece.count, CInt(MSG_NOSIGNAL))
                if count > 0 { rest[rest.startIndex].removeFirst(count) }
                // The server may have closed: what it said is read all the same.
                if count < 0 && errno != EAGAIN { rest = [] }
                if rest.first?.isEmpty == true { rest.removeFirst() }
                if rest.isEmpty { shutdown(descriptor, CInt(SHUT_WR)) }
            }
        }
        return conversation
    }
}

/// The answers in what a client got.
struct HTTPAnswers {
    struct Answer { let status: Int; let body: String }

    private(set) var answers: [Answer] = []

    /// - Throws: ``Broken`` for what is no answer, and for one that is cut off.
    init(_ bytes: [UInt8]) throws(Broken) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let end = Self.endOfHead(rest) else { throw Broken("a head that is cut off: \(text(Array(rest)))") }
            let head = text(Array(rest[rest.startIndex..<end]))
            let fields = head.split(separator: "\r\n")
            let words = fields.first?.split(separator: " ") ?? []
            guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                throw Broken("no answer: \(head)")
            }
            rest = rest[(end + 4)...]
            if status == 100 { continue }
            let lengths = fields.filter { $0.lowercased().hasPrefix("content-length: ") }
            guard lengths.count == 1, let length = lengths.first.flatMap({ Int($0.dropFirst(16)) }),
                rest.count >= length
            else { throw Broken("an answer that is cut off: \(head)") }
            answers.append(Answer(status: status, body: text(Array(rest.prefix(length)))))
            rest = rest.dropFirst(length)
        }
    }

    private static func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
        bytes.indices.dropLast(3).first { bytes[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) }
    }
}

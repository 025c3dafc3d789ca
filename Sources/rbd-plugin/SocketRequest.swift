import Glibc

/// One request on a unix socket, in the oldest form of HTTP: the server closes when it has said all.
enum SocketRequest {
    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]
    }

    enum Outcome: Sendable {
        /// There is no socket.
        case absent
        case answered(Answer)
        /// Why not, in words.
        case silent(String)
    }

    private static let largest = 8 << 20

    static func get(_ path: String, from socket: String, within limit: Duration) async -> Outcome {
        await send("GET \(path) HTTP/1.0\r\nHost: rbd-plugin\r\n\r\n", to: socket, within: limit)
    }

    /// - Parameter body: JSON.
    static func post(_ path: String, _ body: String, to socket: String, within limit: Duration) async -> Outcome {
        let head = "POST \(path) HTTP/1.0\r\nHost: rbd-plugin\r\nContent-Type: application/json\r\n"
        return await send("\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)", to: socket, within: limit)
    }

    private static func send(_ request: String, to socket: String, within limit: Duration) async -> Outcome {
        let seconds = max(1, Int(limit.components.seconds))
        return await InTime.ofBlocking(limit + .seconds(1)) { exchange(request, socket, seconds) }
            ?? .silent("no answer in \(seconds) s")
    }

    private static func exchange(_ request: String, _ file: String, _ seconds: Int) -> Outcome {
        guard access(file, F_OK) == 0 else { return .absent }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .silent(words(errno)) }
        defer { close(descriptor) }
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        guard var address = address(of: file) else { return .silent("its path is too long") }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard connected == 0 else { return .silent(words(errno)) }
        guard Output.write([UInt8](request.utf8), to: descriptor) else { return .silent(words(errno)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while answer.count < largest {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .silent(errno == EAGAIN ? "no answer in \(seconds) s" : words(errno)) }
            if count == 0 { break }
            answer += buffer[..<count]
        }
        return parsed(answer).map { .answered($0) } ?? .silent("its answer is no HTTP")
    }

    /// `HTTP/1.1 200 OK`, lines up to an empty one, and the body.
    static func parsed(_ answer: [UInt8]) -> Answer? {
        let end = Array("\r\n\r\n".utf8)
        guard let head = answer.firstRange(of: end) else { return nil }
        let words = answer[..<head.lowerBound].prefix { $0 != 13 }.split(separator: UInt8(ascii: " "))
        guard words.count >= 2, words[0].starts(with: Array("HTTP/".utf8)),
            let status = Int(String(decoding: words[1], as: UTF8.self))
        else { return nil }
        return Answer(status: status, body: Array(answer[head.upperBound...]))
    }

    private static func address(of path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [UInt8](path.utf8)
        return withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count else { return false }
            room.copyBytes(from: bytes)
            return true
        } ? address : nil
    }

    private static func words(_ code: CInt) -> String { String(cString: strerror(code)) }
}

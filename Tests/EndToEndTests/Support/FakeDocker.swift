import Glibc
import Rig

/// A unix socket on which something answers as Docker does, or takes connections and never answers.
struct FakeDocker {
    /// Runs the body beside the socket.
    /// - Parameter answers: the JSON for each path; `nil` never answers.
    static func with(
        _ path: String, answering answers: [String: String]?, _ body: () async throws -> Void
    ) async throws {
        let listener = try listen(at: path)
        let serving = Task {
            var silent: [CInt] = []
            while !Task.isCancelled {
                let connection = accept(listener, nil, nil)
                if connection >= 0 {
                    if let answers { answer(connection, answers) } else { silent.append(connection) }
                } else {
                    try? await Task.sleep(for: .milliseconds(10))
                }
            }
            for connection in silent { close(connection) }
            close(listener)
        }
        do {
            try await body()
        } catch {
            serving.cancel()
            throw error
        }
        serving.cancel()
    }

    private static func answer(_ connection: CInt, _ answers: [String: String]) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(connection, &buffer, buffer.count)
        let words = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        let body = words.count > 1 ? answers[String(words[1])] : nil
        let text = "HTTP/1.0 \(body == nil ? 404 : 200) X\r\n\r\n\(body ?? "{}")"
        _ = write(connection, text, text.utf8.count)
        close(connection)
    }

    private static func listen(at path: String) throws -> CInt {
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let listener = socket(AF_UNIX, type, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [UInt8](path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count else { return false }
            room.copyBytes(from: bytes)
            return true
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) == 0 }
        }
        guard listener >= 0, fits, isBound, Glibc.listen(listener, 16) == 0 else {
            throw RigFailure("cannot listen at \(path): \(String(cString: strerror(errno)))")
        }
        return listener
    }
}

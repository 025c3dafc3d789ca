import Glibc

/// Files of the host, such as a ceph.conf or a secret.
enum TextFile {
    /// Why a file cannot be read, as the system says it: `No such file or directory`.
    struct Failure: Error, CustomStringConvertible {
        let code: CInt

        var description: String { String(cString: strerror(code)) }
    }

    /// The whole text.
    static func read(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Failure(code: errno) }
            guard count > 0 else { return String(decoding: content, as: UTF8.self) }
            content.append(contentsOf: buffer[..<count])
        }
    }
}

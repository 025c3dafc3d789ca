import Glibc

/// Small files of the kernel.
enum File {
    /// The first bytes of what an open file holds, at most one page of it, which is what sysfs gives and takes.
    static let limit = 4096

    static func read(_ file: CInt, _ what: String) throws -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: limit)
        while content.count < limit {
            let count = try Failure.check(what) { Glibc.read(file, &buffer, limit - content.count) }
            if count == 0 { break }
            content.append(contentsOf: buffer[..<count])
        }
        return content
    }

    /// The file's only line; `nil` when it cannot be read, as of a device that has just gone.
    static func line(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard var content = try? read(file, "read \(path)") else { return nil }
        if content.last == UInt8(ascii: "\n") { content.removeLast() }
        return String(decoding: content, as: UTF8.self)
    }

    /// Writes the text in one call: sysfs takes each call for a request of its own.
    static func write(_ text: String, to path: String) throws {
        let what = "write \(path)"
        let file = try Failure.check(what) { open(path, O_WRONLY | O_CLOEXEC) }
        defer { close(file) }
        var bytes = Array(text.utf8)
        let count = try Failure.check(what) { Glibc.write(file, &bytes, bytes.count) }
        guard count == bytes.count else { throw Failure(what: what, code: EIO) }
    }
}

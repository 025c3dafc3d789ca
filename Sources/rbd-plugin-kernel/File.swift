import Glibc

/// What the program reads and writes: its request, and small files of the kernel.
enum File {
    /// One page, which is what sysfs gives and takes.
    static let limit = 4096

    /// - Returns: so many bytes, or fewer where the file ends before.
    static func read(_ file: CInt, count: Int, _ what: String) throws -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: count)
        while content.count < count {
            let length = try Failure.check(what) { Glibc.read(file, &buffer, count - content.count) }
            if length == 0 { break }
            content.append(contentsOf: buffer[..<length])
        }
        return content
    }

    /// The file's only line; `nil` when it cannot be read, as of a device that has just gone.
    static func line(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard var content = try? read(file, count: limit, "read \(path)") else { return nil }
        if content.last == UInt8(ascii: "\n") { content.removeLast() }
        return String(decoding: content, as: UTF8.self)
    }

    /// A file of any length.
    static func content(_ path: String) throws -> [UInt8] {
        let file = try Failure.check("open \(path)") { open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(file) }
        var content: [UInt8] = []
        while true {
            let part = try read(file, count: limit, "read \(path)")
            content += part
            if part.count < limit { break }
        }
        return content
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

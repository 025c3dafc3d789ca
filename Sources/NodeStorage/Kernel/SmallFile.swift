import Glibc
import SystemPackage

/// Files of `/proc` and `/sys`, and small ones of our own. All calls block: use them inside `KernelCalls.run`.
enum SmallFile {
    /// The whole file, or its first `limit` bytes.
    /// - Throws: `Errno`.
    static func read(_ path: String, limit: Int = 64 << 10) throws -> String {
        String(decoding: try bytes(of: path, limit: limit), as: UTF8.self)
    }

    /// The content without the line break at its end; `nil` when the file does not exist.
    /// - Throws: `Errno` for anything but absence.
    static func line(_ path: String) throws -> String? {
        do {
            var text = Substring(try read(path))
            while text.last?.isNewline == true { text.removeLast() }
            return String(text)
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory, Errno.noSuchProcess, Errno.noSuchAddressOrDevice,
            Errno.operationNotSupportedByDevice
        {
            return nil
        }
    }

    static func bytes(of path: String, limit: Int) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        return try file.closeAfter {
            var content: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: min(limit, 16 << 10))
            while content.count < limit {
                let room = min(buffer.count, limit - content.count)
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: .init(rebasing: $0[..<room])) }
                if count == 0 { break }
                content.append(contentsOf: buffer[..<count])
            }
            return content
        }
    }

    /// Tells the kernel something by a file that is there, in one call.
    /// - Throws: `Errno`.
    static func write(_ text: String, to path: String) throws {
        let file = try FileDescriptor.open(path, .writeOnly, options: [.truncate, .closeOnExec])
        try file.closeAfter { _ = try file.writeAll(Array(text.utf8)) }
    }

    /// Replaces the file's content in one step: a reader, and a restart after a crash, sees the old or the new one.
    static func replace(_ path: String, with content: [UInt8]) throws {
        let new = path + ".new"
        let file = try FileDescriptor.open(
            new, .writeOnly, options: [.create, .truncate, .closeOnExec, .noFollow], permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(content) }
        try SystemCall.check { rename(new, path) }
    }
}

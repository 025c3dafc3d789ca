import CMemoryFile
import Glibc
import SystemPackage

/// A file in memory that takes what a child says. It is the child's as well: one that outlives this process can go on
/// saying things, where a pipe would end it.
final class ChildLog: Sendable, Hashable {
    let file: FileDescriptor

    /// - Throws: `Errno`.
    init() throws {
        file = FileDescriptor(rawValue: try SystemCall.check { cmemoryfile_create("rbd-plugin child") })
    }

    /// The end of what was said so far.
    func text(limit: Int = 16 << 10) -> String {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: min(limit, Int(status.st_size)))
        let count = pread(file.rawValue, &bytes, bytes.count, status.st_size - off_t(bytes.count))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    static func == (left: ChildLog, right: ChildLog) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    // Closing a file in memory never blocks.
    deinit { try? file.close() }
}

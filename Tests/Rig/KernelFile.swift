import SystemPackage

/// A file of /proc or /sys, read to its end; nil when it cannot be read, as when its process has just ended.
///
/// Not by `FileManager.contents(atPath:)`: such files tell no size and come in pieces of at most a page, and it takes the
/// first piece for all of it.
public func kernelFile(_ path: String) -> [UInt8]? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
    defer { try? file.close() }
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
        guard let count = try? piece.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
        if count == 0 { return content }
        content += piece[..<count]
    }
}

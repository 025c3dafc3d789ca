import Glibc

/// Whole texts to a file descriptor.
enum Output {
    static func error(_ text: String) { write([UInt8](text.utf8), to: STDERR_FILENO) }

    /// - Returns: whether all of it was written.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }
}

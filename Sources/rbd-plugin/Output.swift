import Glibc

/// Whole texts to a file descriptor.
enum Output {
    /// What a `poll` that says "writable" leaves room for in any pipe (PIPE_BUF).
    private static let surePiece = 4096

    /// Why the program ends, to standard error. When nobody takes it within some seconds the rest is left out: the
    /// program has to end all the same.
    static func error(_ text: String) {
        var rest = [UInt8](text.utf8)[...]
        let deadline = ContinuousClock.now + .seconds(2)
        while !rest.isEmpty, isWritable(STDERR_FILENO, until: deadline) {
            let piece = rest.prefix(surePiece)
            guard write([UInt8](piece), to: STDERR_FILENO) else { return }
            rest = rest.dropFirst(piece.count)
        }
    }

    /// - Returns: whether all of it was written. Waits as long as that takes.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            // librados makes a pipe at standard error so, and whoever shares a terminal may have.
            if written < 0 && errno == EAGAIN, isWritable(descriptor, until: nil) { continue }
            guard written > 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }

    /// Waits until the descriptor takes bytes; without a deadline for ever.
    private static func isWritable(_ descriptor: CInt, until deadline: ContinuousClock.Instant?) -> Bool {
        while true {
            var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let left = deadline.map { max(0, ($0 - .now) / .milliseconds(1)) }
            switch poll(&request, 1, left.map { CInt($0.rounded(.up)) } ?? -1) {
            case 1...: return true
            case 0: return false
            default: if errno != EINTR { return false }
            }
        }
    }
}

import Glibc

/// The socket could not be made.
package struct SocketError: Error, CustomStringConvertible, Equatable, Sendable {
    package var path: String
    /// What failed and why, and what to do where that is known.
    package var reason: String

    package var description: String { "cannot listen on \(path): \(reason)" }

    init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    init(path: String, call: String, errno code: CInt) {
        self.init(path: path, reason: "\(call): \(String(cString: strerror(code)))")
    }
}

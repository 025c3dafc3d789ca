import Glibc

/// The socket could not be made.
public struct SocketError: Error, CustomStringConvertible, Equatable, Sendable {
    public var path: String
    /// What failed and why, and what to do where that is known.
    public var reason: String

    public var description: String { "cannot listen on \(path): \(reason)" }

    init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    init(path: String, call: String, errno code: CInt) {
        self.init(path: path, reason: "\(call): \(String(cString: strerror(code)))")
    }
}

import Glibc

/// Plain sockets, for what a real client library would not do.
package enum UnixSocket {
    /// A socket that is bound and does not listen. Closing it leaves the file behind.
    package static func bound(to path: String) -> CInt? {
        socket(at: path) { bind($0, $1, $2) }
    }

    /// Nil when there is no descriptor left, or nobody listens.
    package static func connected(to path: String) -> CInt? {
        socket(at: path) { connect($0, $1, $2) }
    }

    private static func socket(
        at path: String, _ call: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt? {
        let descriptor = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}

import Glibc

/// Whether a port can be reached from here.
enum Reach {
    /// Connects and closes at once. Blocking.
    /// - Parameters:
    ///   - address: `ip:port`, an IPv6 address in brackets.
    ///   - within: in seconds.
    static func connects(to address: String, within seconds: Int) -> Bool {
        guard let colon = address.lastIndex(of: ":") else { return false }
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        let host = address[..<colon].filter { !"[]".contains($0) }
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(address[address.index(after: colon)...]), &hints, &found) == 0, let found else {
            return false
        }
        defer { freeaddrinfo(found) }
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(found.pointee.ai_family, type, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        if connect(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 { return true }
        guard errno == EINPROGRESS else { return false }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&waiting, 1, CInt(seconds * 1000)) == 1 else { return false }
        var (code, length) = (CInt(0), socklen_t(MemoryLayout<CInt>.size))
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 && code == 0
    }
}

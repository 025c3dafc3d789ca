import Glibc

/// The unix socket in the file system, and who may remove it.
struct SocketFile: Sendable {
    /// `sun_path` is 108 bytes and ends with a NUL.
    private static let longestPath = 107

    let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Makes a listening socket for root alone (0600), with its folder, in the place of a dead one if need be.
    ///
    /// The caller owns the descriptor. Throws `SocketError`, also when something still answers there.
    static func listen(path: String) throws(SocketError) -> (descriptor: CInt, file: SocketFile) {
        guard !path.isEmpty, path.utf8.count <= longestPath, !path.utf8.contains(0) else {
            throw SocketError(
                path: path,
                reason:
                    "the path has \(path.utf8.count) bytes, a unix socket's must have 1 to \(longestPath) and no NUL")
        }
        try makeFolders(for: path)
        // Of two that start at once, each would see a dead socket, and the second would take the first one's name away.
        let folder = try lockedFolder(of: path)
        defer { close(folder) }
        try removeDeadSocket(path)
        let descriptor = try newSocket(path)
        do throws(SocketError) {
            // Set before bind, so that at no moment anybody else may connect.
            try check(fchmod(descriptor, 0o600), path, "fchmod")
            try check(withAddress(of: path) { Glibc.bind(descriptor, $0, $1) }, path, "bind")
            try check(Glibc.listen(descriptor, backlog), path, "listen")
            return (descriptor, try SocketFile(path: path))
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Removes the file unless another server has put its own there since.
    func remove() {
        guard let now = try? SocketFile(path: path), now.device == device, now.inode == inode else { return }
        unlink(path)
    }

    /// Docker opens many connections at once; the kernel caps this at `net.core.somaxconn`.
    static let backlog: CInt = 1024

    private init(path: String) throws(SocketError) {
        var status = stat()
        try Self.check(lstat(path, &status), path, "lstat")
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    // MARK: Before the bind

    private static func makeFolders(for path: String) throws(SocketError) {
        for (index, character) in zip(path.indices, path) where character == "/" && index != path.startIndex {
            let folder = String(path[..<index])
            if mkdir(folder, 0o755) != 0, errno != EEXIST {
                throw SocketError(path: path, call: "mkdir \(folder)", errno: errno)
            }
        }
    }

    /// The socket's folder, which one server at a time has locked while it puts its socket there. Closing it lets go.
    private static func lockedFolder(of path: String) throws(SocketError) -> CInt {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try check(descriptor, path, "open \(folder)")
        do throws(SocketError) {
            try check(flock(descriptor, LOCK_EX), path, "flock \(folder)")
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func removeDeadSocket(_ path: String) throws(SocketError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw SocketError(path: path, call: "lstat", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SocketError(
                path: path, reason: "something that is no socket is in the way; remove it or choose another path")
        }
        guard try isDeadSoon(path) else {
            throw SocketError(
                path: path,
                reason: "another server answers there; stop it (is the plugin enabled twice?) or choose another path")
        }
        try check(unlink(path), path, "unlink")
    }

    /// A server that was killed while it started a child leaves its socket to that one until the child runs its program.
    private static func isDeadSoon(_ path: String) throws(SocketError) -> Bool {
        for _ in 1...20 {
            if try isDead(path) { return true }
            usleep(50_000)
        }
        return false
    }

    /// A socket file that nobody listens on refuses connections. Anything else, a full backlog too, is a living server.
    private static func isDead(_ path: String) throws(SocketError) -> Bool {
        let probe = try newSocket(path)
        defer { close(probe) }
        if withAddress(of: path, { connect(probe, $0, $1) }) == 0 { return false }
        switch errno {
        case ECONNREFUSED, ENOENT: return true
        case EAGAIN, EINPROGRESS: return false
        default: throw SocketError(path: path, call: "connect", errno: errno)
        }
    }

    // MARK: Calls

    private static func newSocket(_ path: String) throws(SocketError) -> CInt {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        try check(descriptor, path, "socket")
        return descriptor
    }

    private static func check(_ result: CInt, _ path: String, _ call: String) throws(SocketError) {
        if result < 0 { throw SocketError(path: path, call: call, errno: errno) }
    }

    private static func withAddress(
        of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

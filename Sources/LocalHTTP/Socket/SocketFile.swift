import Glibc

/// The unix socket in the file system, and who may remove it.
final class SocketFile: Sendable {
    /// `sun_path` is 108 bytes and ends with a NUL.
    private static let longestPath = 107

    let path: String
    /// Holds the file, though not open: as long as it is held no other file has its inode number.
    private let holder: CInt

    /// Makes a listening socket for root alone (0600), with its folder, in the place of a dead one if need be.
    ///
    /// The caller owns the descriptor. Throws `SocketError`, also when something still answers there.
    static func listen(path: String) throws(SocketError) -> (descriptor: CInt, file: SocketFile) {
        guard !path.isEmpty, path.utf8.count <= longestPath, !path.utf8.contains(0) else {
            throw SocketError(
                path: path,
                reason:
                    "the path has \(path.utf8.count) bytes; a unix socket's path must have 1 to \(longestPath), and no NUL"
            )
        }
        try makeFolders(for: path)
        // A server that was killed while it started a child leaves its socket to that one until the child runs its
        // program, and one that ends is about to remove its own.
        for _ in 1...20 {
            if let made = try listenUnlessServed(path) { return made }
            usleep(50_000)
        }
        throw SocketError(
            path: path,
            reason: "another server answers there; stop it (is the plugin enabled twice?) or choose another path")
    }

    /// Removes the file unless another server has put its own there since.
    func remove() {
        // Without the lock another server could put its socket there between the look and the removal.
        let folder = try? Self.lockedFolder(of: path)
        defer { if let folder { close(folder) } }
        var (mine, there) = (stat(), stat())
        guard fstat(holder, &mine) == 0, lstat(path, &there) == 0 else { return }
        if there.st_dev == mine.st_dev && there.st_ino == mine.st_ino { unlink(path) }
    }

    /// Docker opens many connections at once; the kernel caps this at `net.core.somaxconn`.
    static let backlog: CInt = 1024

    private init(path: String) throws(SocketError) {
        holder = open(path, Self.onlyHold | O_NOFOLLOW | O_CLOEXEC)
        self.path = path
        try Self.check(holder, path, "open")
    }

    deinit { if holder >= 0 { close(holder) } }

    /// O_PATH of <fcntl.h>, which shows it to C with _GNU_SOURCE only.
    private static let onlyHold: CInt = 0o10000000

    /// - Returns: `nil` while another server answers there.
    private static func listenUnlessServed(
        _ path: String
    ) throws(SocketError) -> (descriptor: CInt, file: SocketFile)? {
        // Of two that start at once, each would see a dead socket, and the second would take the first one's name away.
        let folder = try lockedFolder(of: path)
        defer { close(folder) }
        guard try removeDeadSocket(path) else { return nil }
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

    // MARK: Before the bind

    /// For root alone, as Docker makes those that lead to its plugins' sockets, /run/docker among them: who starts first
    /// must not decide who may look into them.
    private static func makeFolders(for path: String) throws(SocketError) {
        for (index, character) in zip(path.indices, path) where character == "/" && index != path.startIndex {
            let folder = String(path[..<index])
            if mkdir(folder, 0o700) != 0, errno != EEXIST {
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

    /// - Returns: whether the path is free now.
    private static func removeDeadSocket(_ path: String) throws(SocketError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return true }
            throw SocketError(path: path, call: "lstat", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SocketError(
                path: path, reason: "a file that is not a socket is in the way; remove it or choose another path")
        }
        guard try isDead(path) else { return false }
        if unlink(path) != 0, errno != ENOENT { throw SocketError(path: path, call: "unlink", errno: errno) }
        return true
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

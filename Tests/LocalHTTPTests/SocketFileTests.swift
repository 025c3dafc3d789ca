import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import LocalHTTP

/// Two plugins with one socket, which start together and end in any order.
@Suite("The socket's file") struct SocketFileTests {
    /// A folder of its own on a disk, where a removed file's inode number goes to the next one at once.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        var template = Array("/var/tmp/rbd-socket.XXXXXX".utf8CString)
        #expect(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    private func inode(_ path: String) -> ino_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_ino : nil
    }

    @Test("E16: the folders that lead to the socket are made for root alone, and those that are there stay as they are")
    func e16Folders() async throws {
        try await withFolder { folder in
            let before = umask(0)
            let isMade = mkdir("\(folder)/run", 0o755) == 0
            umask(before)
            #expect(isMade)
            let (descriptor, file) = try SocketFile.listen(path: "\(folder)/run/docker/plugins/rbd.sock")
            #expect(mode("\(folder)/run") == 0o755)
            #expect(mode("\(folder)/run/docker") == 0o700)
            #expect(mode("\(folder)/run/docker/plugins") == 0o700)
            #expect(mode(file.path) == 0o600)
            close(descriptor)
        }
    }

    @Test("E16: a server that has gone, and takes its time to remove its socket, leaves its successor's alone")
    func e16Successor() async throws {
        try await withFolder { folder in
            let path = "\(folder)/rbd.sock"
            let first = try SocketFile.listen(path: path)
            close(first.descriptor)
            let second = try SocketFile.listen(path: path)
            let theirs = inode(path)
            first.file.remove()
            #expect(inode(path) == theirs && theirs != nil)
            close(second.descriptor)
            second.file.remove()
            #expect(inode(path) == nil)
            first.file.remove()
        }
    }

    @Test("E16: of servers that start and end together, in whatever order, none removes another's socket")
    func e16StartsAndEnds() async throws {
        try await withFolder { folder in
            let path = "\(folder)/plugins/rbd.sock"
            await withTaskGroup { group in
                for worker in 0..<3 {
                    group.addTask {
                        for round in 0..<25 { self.serveOnce(path, closesFirst: (worker + round) % 2 == 0) }
                    }
                }
            }
            #expect(inode(path) == nil, "each that ended removed its own")
        }
    }

    /// Serves for a moment, unless another server does.
    private func serveOnce(_ path: String, closesFirst: Bool) {
        guard let (descriptor, file) = try? SocketFile.listen(path: path) else { return }
        let mine = inode(path)
        sched_yield()
        #expect(inode(path) == mine && mine != nil, "as long as it listens its socket is there")
        if closesFirst { close(descriptor) }
        file.remove()
        if !closesFirst { close(descriptor) }
    }
}

import Glibc
import SystemPackage

/// A locked folder of its own for one mkfs, and the file in it. Folders whose lock is free are left over from a crash, and go
/// away when the next one is made.
struct ScratchFile: Sendable {
    let path: String
    private let lock: FolderLock
    private let kernel: KernelCalls

    var file: String { "\(path)/image" }

    static func make(below root: String, kernel: KernelCalls, to what: String) async throws -> ScratchFile {
        try await kernel.run("mkdir \(root)", to: what) {
            try SystemCall.makeFolders(root)
            for name in try SystemCall.names(in: root) {
                // Another task's leftover at worst: nothing depends on it.
                try? removeLeftover("\(root)/\(name)")
            }
            for _ in 0..<8 {
                let path = "\(root)/\(String(UInt64.random(in: .min ... .max), radix: 36))"
                try SystemCall.makeFolders(path)
                if let lock = try FolderLock.take(path) { return ScratchFile(path: path, lock: lock, kernel: kernel) }
            }
            throw Errno.resourceTemporarilyUnavailable
        }
    }

    private static func removeLeftover(_ path: String) throws {
        guard let lock = try FolderLock.take(path) else { return }
        defer { withExtendedLifetime(lock) {} }
        try removeContent(of: path)
    }

    /// The files in the folder, and it. Never goes into a folder below.
    private static func removeContent(of path: String) throws {
        for name in try SystemCall.names(in: path) { try SystemCall.check { unlink("\(path)/\(name)") } }
        try SystemCall.check { rmdir(path) }
    }

    /// Removes the file and its folder, whatever became of the operation. What cannot be removed now goes next time.
    func remove() async {
        let path = path
        try? await Task.detached { [kernel] in
            try await kernel.run("unlink \(path)", to: "clean up") { try Self.removeContent(of: path) }
        }.value
        withExtendedLifetime(lock) {}
    }
}

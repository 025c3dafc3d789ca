import Glibc
import SystemPackage

/// An advisory lock on a folder (`flock(2)`), so that neither another task nor another process of the plugin works on
/// the same mapping. It goes away by itself with the process.
final class FolderLock: Sendable {
    private let folder: FileDescriptor

    private init(folder: FileDescriptor) { self.folder = folder }

    /// Blocking for a moment, but never for the lock itself.
    /// - Returns: `nil` when another one has the lock, or the folder does not exist.
    /// - Throws: `Errno`.
    static func take(_ path: String) throws -> FolderLock? {
        let folder: FileDescriptor
        do {
            folder = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
        let lock = FolderLock(folder: folder)
        do {
            try SystemCall.check { flock(folder.rawValue, LOCK_EX | LOCK_NB) }
        } catch Errno.wouldBlock {
            return nil
        }
        return try lock.isStill(at: path) ? lock : nil
    }

    /// The folder may have been removed, and made anew, before the lock was taken.
    private func isStill(at path: String) throws -> Bool {
        var locked = stat()
        var present = stat()
        try SystemCall.check { fstat(folder.rawValue, &locked) }
        return lstat(path, &present) == 0 && locked.st_ino == present.st_ino && locked.st_dev == present.st_dev
    }

    // Closing a folder never blocks.
    deinit { try? folder.close() }
}

import CDetachedMount
import Glibc
import SystemPackage

/// A filesystem that is mounted for this object alone: it has no mountpoint, so nobody else sees it, and nothing of it is left
/// when the plugin ends. Takes CAP_SYS_ADMIN and kernel 5.2.
final class DetachedMount: Sendable {
    private let root: FileDescriptor

    /// Mounts. Blocking.
    /// - Parameter flags: mount options without a value.
    /// - Throws: `Errno`.
    init(_ type: String, flags: [String] = []) throws {
        let filesystem = FileDescriptor(rawValue: try SystemCall.check { cdetachedmount_open(type) })
        root = try filesystem.closeAfter {
            for flag in flags { try SystemCall.check { cdetachedmount_set(filesystem.rawValue, flag) } }
            try SystemCall.check { cdetachedmount_create(filesystem.rawValue) }
            return FileDescriptor(rawValue: try SystemCall.check { cdetachedmount_mount(filesystem.rawValue) })
        }
    }

    deinit { try? root.close() }

    /// Its root folder, for this process and for as long as the object lives.
    var path: String { "/proc/self/fd/\(root.rawValue)" }
}

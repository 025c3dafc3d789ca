import CRados
import CRbd
import FoundationEssentials
import Glibc
import VolumeCore

/// An image in the trash.
public struct TrashEntry: Sendable, Hashable {
    /// The image's id, by which it is restored or removed.
    public let id: String
    /// The name it had.
    public let name: String
    public let deletedAt: Date
    /// Until then only `force` removes it.
    public let defermentEndsAt: Date
    /// False when something else than a user put it there, such as mirroring.
    public let isByUser: Bool
}

extension RBDImages {
    /// Moves an image to the trash (`rbd_trash_move`): its name is free at once, its data
    /// stays, also when it has snapshots.
    /// - Parameter delay: how long it is protected from removal without `force`, in whole seconds.
    /// - Throws: `EBUSY` while somebody watches it.
    public func moveToTrash(_ name: String, delay: Duration = .zero, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_trash_move", subject(name))
        let seconds = UInt64(max(0, delay.components.seconds))
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                try Self.refuseIfWatched(name, context, call)
                _ = try call.check(rbd_trash_move(context, name, seconds))
            }
        }
    }

    /// Unlike `rbd_remove`, `rbd_trash_move` takes an image from under those who watch it, as
    /// long as none of them insists on its exclusive lock.
    private static func refuseIfWatched(_ name: String, _ context: rados_ioctx_t, _ call: CephCall) throws {
        var image: rbd_image_t?
        try call.check(rbd_open_read_only(context, name, &image, nil))
        guard let image else { throw call.error(ENOMEM) }
        defer { rbd_close(image) }
        let watchers = try ImageWatcher.list(image, call)
        guard watchers.isEmpty else {
            let clients = watchers.map { $0.address?.text ?? $0.client }
            throw call.error(EBUSY, detail: "watched by \(clients.joined(separator: ", "))")
        }
    }

    /// What is in the trash, ordered by name (`rbd_trash_list`).
    public func listTrash(timeout: Duration? = nil) async throws -> [TrashEntry] {
        let call = CephCall.reading("rbd_trash_list", .images(location))
        return try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                try GrowingBuffer.call(of: rbd_trash_image_info_t.self, capacity: 32, call) { entries, size in
                    rbd_trash_list(context, entries, &size)
                } read: { entries, _, count in
                    defer { rbd_trash_list_cleanup(entries, count) }
                    return (0..<count).map { TrashEntry(entries[$0]) }.sorted { $0.name < $1.name }
                }
            }
        }
    }

    /// Takes an image out of the trash (`rbd_trash_restore`).
    /// - Parameter name: its new name; the old one when nil.
    /// - Throws: `EEXIST` when that name is taken.
    public func restoreFromTrash(id: String, as name: String? = nil, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_trash_restore", .imageID(location, id: id))
        if let name { try call.refuseNUL(in: [name]) }
        try await inPool(call, timeout) { pool in
            // librbd takes an empty name for the old one.
            try pool.withUnsafeContext { _ = try call.check(rbd_trash_restore($0, id, name ?? "")) }
        }
    }

    /// Removes an image from the trash for good (`rbd_trash_remove_with_progress`).
    /// - Parameter force: also before its deferment has ended.
    /// - Throws: `EPERM` before its deferment has ended; `ENOTEMPTY` while it has snapshots.
    public func removeFromTrash(
        id: String, force: Bool = false, timeout: Duration? = nil, progress: ImageProgress? = nil
    ) async throws {
        let call = CephCall.changing("rbd_trash_remove", .imageID(location, id: id))
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                try ProgressReport.withCallback(progress) { callback, argument in
                    _ = try call.check(rbd_trash_remove_with_progress(context, id, force, callback, argument))
                }
            }
        }
    }
}

extension TrashEntry {
    fileprivate init(_ entry: rbd_trash_image_info_t) {
        id = String(cString: entry.id)
        name = String(cString: entry.name)
        deletedAt = Date(timeIntervalSince1970: Double(entry.deletion_time))
        defermentEndsAt = Date(timeIntervalSince1970: Double(entry.deferment_end_time))
        isByUser = entry.source == RBD_TRASH_IMAGE_SOURCE_USER
    }
}

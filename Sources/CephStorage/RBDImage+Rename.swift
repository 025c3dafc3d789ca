import CRados
import CRbd
import Glibc
import VolumeCore

/// `rbd_rename` opens the image, takes its exclusive lock, makes three changes, and closes it: 27 requests in a row. An image
/// that is open for writing already needs the three changes alone.
extension RBDImages {
    /// Gives an image that this client has just filled, and left open, its name, and closes it.
    /// - Returns: `false` when it is not open any more, or has lost its lock: nothing was done then.
    /// - Throws: `EEXIST` when the new name is taken.
    func renameFinished(_ name: String, to newName: String, timeout: Duration) async throws -> Bool {
        guard let kept = connection.finished.take(name, in: location) else { return false }
        let isRenamed: Bool
        do {
            isRenamed = try await kept.image.rename(kept.id, from: name, to: newName, timeout: timeout)
        } catch {
            // What comes next may need the lock.
            try? await kept.image.close(timeout: timeout)
            throw error
        }
        try await kept.image.close(timeout: timeout)
        return isRenamed
    }

    /// Closes a new image that waits for its name and is not to get it.
    func closeFinished(_ name: String, timeout: Duration) async throws {
        try await connection.finished.take(name, in: location)?.image.close(timeout: timeout)
    }

    /// The changes of a rename, in librbd's own order: the new `rbd_id` object, the entry in the directory, the old `rbd_id`
    /// object. Where this is cut off, `finishRename` goes on.
    /// - Throws: `EEXIST` when the new name is taken, by an image of either format; `ENOENT` or `ESTALE` when `name` is not
    ///   the image's any more.
    fileprivate static func rename(
        _ id: String, from name: String, to newName: String, _ context: rados_ioctx_t, _ call: CephCall
    ) throws {
        guard try !exists(headerObject(ofFormat1: newName), context, call) else { throw call.error(EEXIST) }
        try makeIDObject(of: newName, id, context, call)
        try moveEntry(of: id, from: name, to: newName, context, call)
        let removed = rados_remove(context, idObject(of: name))
        if removed != -ENOENT { _ = try call.check(removed) }
    }

    private static func makeIDObject(
        of name: String, _ id: String, _ context: rados_ioctx_t, _ call: CephCall
    ) throws {
        guard let operation = rados_create_write_op() else { throw call.error(ENOMEM) }
        defer { rados_release_write_op(operation) }
        let content = CephText.encoded(id)
        rados_write_op_create(operation, LIBRADOS_CREATE_EXCLUSIVE, nil)
        rados_write_op_write_full(operation, content, content.count)
        let code = rados_write_op_operate(operation, context, idObject(of: name), nil, 0)
        if code < 0 { throw call.error(code, detail: "to '\(name)'") }
    }
}

extension RBDImage {
    /// Whether an image with these features can be renamed while it is open here: its lock says that nobody else changes it,
    /// and no journal wants to know.
    static func canBeRenamedOpen(_ features: ImageFeatures) -> Bool {
        features.contains(.exclusiveLock) && !features.contains(.journaling)
    }

    /// Renames the image under its exclusive lock, which this handle has from writing: it is kept from now on until the image
    /// is closed, whoever asks for it (`rbd_lock_acquire`). A node that was paused on the way and lost the lock was also shut
    /// out by librbd: its next request is refused.
    /// - Returns: `false` when the lock cannot be had: nothing was done then.
    fileprivate func rename(
        _ id: String, from name: String, to newName: String, timeout: Duration
    ) async throws -> Bool {
        let call = CephCall.changing("rbd_rename", subject)
        try call.refuseNUL(in: [newName])
        let (cluster, location) = (cluster, location)
        return try await perform(call, timeout: timeout) { image in
            guard rbd_lock_acquire(image, RBD_LOCK_MODE_EXCLUSIVE) >= 0 else { return false }
            try cluster.withPool(location) { pool in
                try pool.withUnsafeContext { try RBDImages.rename(id, from: name, to: newName, $0, call) }
            }
            return true
        }
    }
}

import CRados
import CRbd
import Glibc

extension RBDImages {
    /// Gives the image of a name another one and moves it into the trash (`rbd_rename`, `rbd_trash_move`), provided that
    /// its id is `id`. Neither is a single step in Ceph; where one was cut off, this goes on from there.
    ///
    /// By its new name it is known in the trash, also when nothing of it is left but the entry there.
    /// - Parameters:
    ///   - id: `nil` for whatever bears the new name already.
    ///   - removed: the new name, which is nobody else's.
    ///   - delay: for how long nobody removes it from the trash who does not insist, in whole seconds.
    /// - Returns: the id that the name has when it is another image's and the one meant is nowhere: nothing was done then.
    /// - Throws: `EBUSY` while somebody keeps its exclusive lock.
    public func moveToTrash(
        _ name: String, id: String?, as removed: String, delay: Duration = .zero, timeout: Duration? = nil
    ) async throws -> String? {
        let delay = UInt64(max(0, delay.components.seconds))
        let call = CephCall.changing("rbd_trash_move", subject(name))
        try call.refuseNUL(in: [removed])
        return try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                let found = try Self.imageID(in: Self.idObject(of: name), context, call)
                if let id, found == id {
                    try Self.withdraw(name, to: removed, id, context, call)
                    try Self.resumeMove(of: removed, delay, context, call)
                    return nil
                }
                let withdrawn = try Self.imageID(in: Self.idObject(of: removed), context, call)
                guard let id = id ?? withdrawn else {
                    try Self.resumeMove(of: removed, delay, context, call)
                    return nil
                }
                if found == id {
                    try Self.withdraw(name, to: removed, id, context, call)
                } else if withdrawn != id {
                    // A release before this one deleted the data at once, beginning with the name.
                    try Self.finishRemoval(id: id, context, call)
                }
                try Self.resumeMove(of: removed, delay, context, call)
                guard let found, found != id, withdrawn != id else { return nil }
                return try Self.isInTrash(id, context, call) ? nil : found
            }
        }
    }

    /// The image may have the new name already, beside the old one, where a rename was cut off. `rbd_rename` looks for the new
    /// name before it does anything, so that is asked only when it refuses.
    private static func withdraw(
        _ name: String, to removed: String, _ id: String, _ context: rados_ioctx_t, _ call: CephCall
    ) throws {
        let code = rbd_rename(context, name, removed)
        if code == -EEXIST, try imageID(in: idObject(of: removed), context, call) == id {
            return try finishRename(of: id, from: name, to: removed, context, call)
        }
        if code < 0 { throw call.error(code, detail: "rbd_rename to '\(removed)'") }
        // Librbd goes by the name, and this thread may have been held up since it was looked up.
        guard let renamed = try imageID(in: idObject(of: removed), context, call), renamed != id else { return }
        _ = try call.check(rbd_rename(context, removed, name))
        throw call.error(ESTALE, detail: "another image, with the id \(renamed), got the name meanwhile")
    }

    /// `rbd_trash_move` finds an image by its name, and one that was cut off on its way by the name in the trash's entry.
    /// With neither of them it is there, or is nowhere.
    private static func resumeMove(
        of removed: String, _ delay: UInt64, _ context: rados_ioctx_t, _ call: CephCall
    ) throws {
        let code = rbd_trash_move(context, removed, delay)
        if code != -ENOENT { _ = try call.check(code) }
    }

    private static func isInTrash(_ id: String, _ context: rados_ioctx_t, _ call: CephCall) throws -> Bool {
        var entry = rbd_trash_image_info_t()
        let code = rbd_trash_get(context, id, &entry)
        if code == -ENOENT { return false }
        try call.check(code)
        rbd_trash_get_cleanup(&entry)
        return true
    }
}

import CRados
import CRbd
import Glibc

extension RBDImages {
    /// Removes the image of a name, provided that its id is `id`. When no image has the name, a removal of `id` that was
    /// cut off is finished.
    ///
    /// `rbd_remove` itself begins by reading which id the name has, and goes by that from there on. The same is read here
    /// right before, which takes one operation; opening the image for it would take many.
    /// - Returns: the id that the name has: another one than `id` when nothing was done for that reason.
    /// - Throws: `EBUSY` while somebody watches it, `ENOTEMPTY` while it has snapshots.
    public func remove(_ name: String, id: String, timeout: Duration? = nil) async throws -> String {
        let call = CephCall.changing("rbd_remove", subject(name))
        return try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                guard let found = try Self.imageID(in: Self.idObject(of: name), context, call) else {
                    try Self.finishRemoval(id: id, context, call)
                    return id
                }
                guard found == id else { return found }
                let removed = rbd_remove(context, name)
                if removed != -ENOENT { _ = try call.check(removed) }
                return id
            }
        }
    }

    /// Finishes a removal that was cut off: before `rbd_remove` deletes an image's objects, it takes the name from it by
    /// putting it into the trash, marked as being removed (`rbd_trash_get`, `rbd_trash_remove`).
    ///
    /// Does nothing when there is no such image in the trash, or when somebody else put it there.
    static func finishRemoval(id: String, _ context: rados_ioctx_t, _ call: CephCall) throws {
        var entry = rbd_trash_image_info_t()
        let found = rbd_trash_get(context, id, &entry)
        if found == -ENOENT { return }
        try call.check(found)
        defer { rbd_trash_get_cleanup(&entry) }
        guard entry.source == RBD_TRASH_IMAGE_SOURCE_REMOVING else { return }
        var removed = rbd_trash_remove(context, id, true)
        if removed == -EUCLEAN {
            removed = try finishMove(id: id, name: String(cString: entry.name), context, call)
        }
        if removed != -ENOENT { _ = try call.check(removed) }
    }

    /// The removal was cut off while the image was on its way into the trash, with its name half gone: only `rbd_remove`
    /// goes on from there, and it goes by the name.
    private static func finishMove(id: String, name: String, _ context: rados_ioctx_t, _ call: CephCall) throws -> CInt
    {
        guard try ImageEntry.list(context, call).allSatisfy({ $0.name != name || $0.id == id }) else {
            throw call.error(EUCLEAN, detail: "another image now has the name \(name)")
        }
        return rbd_remove(context, name)
    }
}

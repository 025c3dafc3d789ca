import CRados
import Glibc

extension RBDImages {
    /// Finishes an `rbd_rename` that was cut off. It makes the new `rbd_id` object, then moves the entry in `rbd_directory`,
    /// then removes the old `rbd_id` object; cut off after the first or the second step, both names lead to the image, and
    /// librbd itself refuses to go on from there.
    ///
    /// Does nothing unless both names have the same id. Takes no lock: the image may be in use, under either name.
    public func finishRename(_ name: String, to newName: String, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_rename", subject(name))
        try call.refuseNUL(in: [newName])
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                guard let id = try Self.imageID(in: Self.idObject(of: name), context, call),
                    try Self.imageID(in: Self.idObject(of: newName), context, call) == id
                else { return }
                try Self.finishRename(of: id, from: name, to: newName, context, call)
            }
        }
    }

    /// What is left to do of a rename once both names have the id.
    static func finishRename(
        of id: String, from name: String, to newName: String, _ context: rados_ioctx_t, _ call: CephCall
    ) throws {
        // Where the entry has the new name already, there is no old one.
        do { try moveEntry(of: id, from: name, to: newName, context, call) } catch let error where error.isNotFound {}
        let removed = rados_remove(context, idObject(of: name))
        if removed != -ENOENT { _ = try call.check(removed) }
    }

    /// The object class's own step of a rename (`rbd.dir_rename_image`): both keys change together, and only if the entry is
    /// still this image's.
    static func moveEntry(
        of id: String, from name: String, to newName: String, _ context: rados_ioctx_t, _ call: CephCall
    ) throws(CephError) {
        let request = [name, newName, id].flatMap(CephText.encoded)
        let code = rados_exec(
            context, "rbd_directory", "rbd", "dir_rename_image", request, request.count, nil, 0)
        if code < 0 { throw call.error(code) }
    }
}

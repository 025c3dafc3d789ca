import CRados
import CRbd
import Glibc

extension RBDImages {
    /// Clears what is left under a name of a creation or a removal that was cut off: an `rbd_id` object, an entry in the
    /// directory, an entry in the trash. librbd makes an image's header last, and removes all these one by one; without
    /// the one it looks at first, it does not find the others.
    ///
    /// An image that can be opened is left alone, and so is one whose header is there, unless its removal has begun.
    public func clearRemains(of name: String, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_remove", subject(name))
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                let object = Self.idObject(of: name)
                if let id = try Self.imageID(in: object, context, call) ?? Self.directoryID(of: name, context, call),
                    try Self.exists(Self.headerObject(of: id), context, call)
                {
                    return try Self.finishRemoval(id: id, context, call)
                }
                // It looks into the directory and the trash. The id object it clears only together with an entry there.
                let removed = rbd_remove(context, name)
                if removed != -ENOENT { _ = try call.check(removed) }
                let code = rados_remove(context, object)
                if code != -ENOENT { _ = try call.check(code) }
            }
        }
    }

    /// The object that says which id the image of a name has.
    static func idObject(of name: String) -> String { "rbd_id." + name }

    /// The id in an `rbd_id` object. `nil` when there is no such object.
    static func imageID(in object: String, _ context: rados_ioctx_t, _ call: CephCall) throws -> String? {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = rados_read(context, object, &bytes, bytes.count, 0)
        if count == -ENOENT { return nil }
        return try CephText.decoded(bytes, count, call, "the object \(object)")
    }

    /// The id that the pool's directory of images has for a name (`rbd.dir_get_id`). `nil` when it does not have it.
    private static func directoryID(of name: String, _ context: rados_ioctx_t, _ call: CephCall) throws -> String? {
        var bytes = [CChar](repeating: 0, count: 256)
        let request = CephText.encoded(name)
        let count = rados_exec(
            context, "rbd_directory", "rbd", "dir_get_id", request, request.count, &bytes, bytes.count)
        if count == -ENOENT { return nil }
        return try CephText.decoded(bytes, count, call, "the directory's entry of \(name)")
    }

    static func exists(_ object: String, _ context: rados_ioctx_t, _ call: CephCall) throws -> Bool {
        var (size, modified) = (UInt64(0), time_t(0))
        let code = rados_stat(context, object, &size, &modified)
        if code == -ENOENT { return false }
        _ = try call.check(code)
        return true
    }
}

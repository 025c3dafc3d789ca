import CRados
import CRbd
import Glibc

extension RBDImages {
    /// Clears what is left under a name of a creation that was cut off, and holds no data: an `rbd_id` object, perhaps with
    /// an entry in the directory, whose header does not exist; librbd makes that last.
    ///
    /// An image that can be opened is left alone.
    public func clearRemains(of name: String, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_remove", subject(name))
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                let object = "rbd_id." + name
                guard let id = try Self.imageID(in: object, context, call),
                    try !Self.exists("rbd_header." + id, context, call)
                else { return }
                // It clears the entry in the directory, and the id object with it; without an entry it finds nothing.
                let removed = rbd_remove(context, name)
                if removed != -ENOENT { _ = try call.check(removed) }
                let code = rados_remove(context, object)
                if code != -ENOENT { _ = try call.check(code) }
            }
        }
    }

    /// The id in an `rbd_id` object: its length in four bytes, little endian, then its text. `nil` when there is no such
    /// object.
    private static func imageID(in object: String, _ context: rados_ioctx_t, _ call: CephCall) throws -> String? {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = rados_read(context, object, &bytes, bytes.count, 0)
        if count == -ENOENT { return nil }
        _ = try call.check(count)
        let text = bytes[..<Int(count)].dropFirst(4).map { UInt8(bitPattern: $0) }
        guard !text.isEmpty else { throw call.error(EIO, detail: "the object \(object) holds no id") }
        return String(decoding: text, as: UTF8.self)
    }

    private static func exists(_ object: String, _ context: rados_ioctx_t, _ call: CephCall) throws -> Bool {
        var (size, modified) = (UInt64(0), time_t(0))
        let code = rados_stat(context, object, &size, &modified)
        if code == -ENOENT { return false }
        _ = try call.check(code)
        return true
    }
}

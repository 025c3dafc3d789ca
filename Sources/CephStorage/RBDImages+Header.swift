import CRados
import Glibc

extension RBDImages {
    /// Changes the metadata of an image in one request to its header object, without opening the image (`rbd.metadata_set`,
    /// `rbd.metadata_remove`). Nobody who has the image open is told: librbd itself would tell them, and would first ask the
    /// holder of the exclusive lock to give it up.
    ///
    /// Removing a key that is not there succeeds.
    /// - Throws: `ENOENT` when there is no image of that id: nothing has come to be then.
    func changeMetadata(
        ofImage id: String, setting values: [String: String] = [:], removing keys: [String] = [],
        timeout: Duration? = nil
    ) async throws {
        let call = CephCall.changing("rados_write_op_operate", ImageKey.id(id).subject(in: location))
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                guard let operation = rados_create_write_op() else { throw call.error(ENOMEM) }
                defer { rados_release_write_op(operation) }
                // The object class would make an object anew of an image that is being removed.
                rados_write_op_assert_exists(operation)
                if !values.isEmpty { Self.add("metadata_set", CephText.encoded(values), to: operation) }
                for key in keys { Self.add("metadata_remove", CephText.encoded(key), to: operation) }
                let code = rados_write_op_operate(operation, context, Self.headerObject(of: id), nil, 0)
                _ = try call.check(code)
            }
        }
    }

    /// The object that says what the image of an id is; part of the format on disk.
    static func headerObject(of id: String) -> String { "rbd_header." + id }

    /// The same of an image of the first format, which goes by its name alone.
    static func headerObject(ofFormat1 name: String) -> String { name + ".rbd" }

    private static func add(_ method: String, _ input: [CChar], to operation: rados_write_op_t) {
        rados_write_op_exec(operation, "rbd", method, input, input.count, nil)
    }
}

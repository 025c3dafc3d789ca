import CRbd
import Glibc

extension CephConnection {
    /// The rbd namespaces of a pool; the default one has no name and is not among them
    /// (`rbd_namespace_list`).
    public nonisolated func namespaces(in pool: String, timeout: Duration? = nil) async throws -> [String] {
        let call = CephCall.reading("rbd_namespace_list", .pool(pool))
        return try await withPool(ImageLocation(pool: pool), call, timeout: timeout) { pool in
            try pool.withUnsafeContext { context in
                try GrowingBuffer.call(of: CChar.self, capacity: 1024, call) { buffer, size in
                    rbd_namespace_list(context, buffer, &size)
                } read: { buffer, _, size in
                    GrowingBuffer.strings(buffer, byteCount: size)
                }
            }
        }
    }

    /// Whether a pool has that rbd namespace (`rbd_namespace_exists`). The default one, "",
    /// always exists.
    public nonisolated func namespaceExists(_ location: ImageLocation, timeout: Duration? = nil) async throws -> Bool {
        guard !location.namespace.isEmpty else { return true }
        let call = CephCall.reading("rbd_namespace_exists", .namespace(location))
        return try await withPool(ImageLocation(pool: location.pool), call, timeout: timeout) { pool in
            var exists = false
            try pool.withUnsafeContext { _ = try call.check(rbd_namespace_exists($0, location.namespace, &exists)) }
            return exists
        }
    }

    /// Creates an rbd namespace (`rbd_namespace_create`).
    /// - Throws: `EEXIST` when there is one of that name.
    public nonisolated func createNamespace(_ location: ImageLocation, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_namespace_create", .namespace(location))
        try await withPool(ImageLocation(pool: location.pool), call, timeout: timeout) { pool in
            try pool.withUnsafeContext { _ = try call.check(rbd_namespace_create($0, location.namespace)) }
        }
    }

    /// Removes an empty rbd namespace (`rbd_namespace_remove`).
    /// - Throws: `EBUSY` while it has images.
    public nonisolated func removeNamespace(_ location: ImageLocation, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_namespace_remove", .namespace(location))
        try await withPool(ImageLocation(pool: location.pool), call, timeout: timeout) { pool in
            try pool.withUnsafeContext { _ = try call.check(rbd_namespace_remove($0, location.namespace)) }
        }
    }
}

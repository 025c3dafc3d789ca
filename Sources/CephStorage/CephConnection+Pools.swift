import CRados
import CRbd
import Glibc

/// A pool and its number.
public struct PoolEntry: Sendable, Hashable {
    public let name: String
    public let id: Int64
}

extension CephConnection {
    /// The pools of the cluster (`rados_pool_list`, `rados_pool_lookup`).
    public nonisolated func pools(timeout: Duration? = nil) async throws -> [PoolEntry] {
        let call = CephCall.reading("rados_pool_list", .cluster(settings.clusterName))
        return try await perform(call, timeout: timeout) { cluster in
            try cluster.withUnsafeCluster(call) { raw in
                try Self.poolNames(raw, call).compactMap { name in
                    let id = rados_pool_lookup(raw, name)
                    return id < 0 ? nil : PoolEntry(name: name, id: id)
                }
            }
        }
    }

    /// The number of a pool, or nil when there is none of that name (`rados_ioctx_create`,
    /// which asks the monitors for the newest map before it says no).
    public nonisolated func poolID(_ name: String, timeout: Duration? = nil) async throws -> Int64? {
        let call = CephCall.reading("rados_ioctx_create", .pool(name))
        return try await perform(call, timeout: timeout) { cluster in
            do {
                return try cluster.withPool(ImageLocation(pool: name)) { $0.id }
            } catch let error as CephError where error.isNotFound {
                return nil
            }
        }
    }

    /// Makes sure that the user's capabilities let it read in a pool (`rados_stat` of an object that need not exist).
    /// - Throws: ``CephError`` with `EPERM` when they do not.
    public nonisolated func checkAccess(to location: ImageLocation, timeout: Duration? = nil) async throws {
        let call = CephCall.reading("rados_stat", .pool(location.pool))
        try await withPool(location, call, timeout: timeout) { pool in
            try pool.withUnsafeContext { context in
                var size: UInt64 = 0
                var modified: time_t = 0
                let code = rados_stat(context, "rbd_data.", &size, &modified)
                if code != -ENOENT { _ = try call.check(code) }
            }
        }
    }

    /// The name of a pool, or nil when there is none of that number
    /// (`rados_pool_reverse_lookup`).
    public nonisolated func poolName(_ id: Int64, timeout: Duration? = nil) async throws -> String? {
        let call = CephCall.reading("rados_pool_reverse_lookup", .pool("\(id)"))
        return try await perform(call, timeout: timeout) { cluster in
            try cluster.withUnsafeCluster(call) { raw in
                do {
                    return try GrowingBuffer.string(call) { rados_pool_reverse_lookup(raw, id, $0, $1) }
                } catch let error as CephError where error.isNotFound {
                    return nil
                }
            }
        }
    }

    // rados_pool_list returns the size it needs, whatever the buffer: every name is ended by
    // a NUL, and the list by an empty name.
    private static func poolNames(_ raw: rados_t, _ call: CephCall) throws -> [String] {
        try GrowingBuffer.call(of: CChar.self, capacity: 1024, call) { buffer, size in
            let needed = rados_pool_list(raw, buffer, size)
            if needed >= 0, Int(needed) > size {
                size = Int(needed)
                return -ERANGE
            }
            return needed
        } read: { buffer, needed, _ in
            GrowingBuffer.strings(buffer, byteCount: Int(needed))
        }
    }
}

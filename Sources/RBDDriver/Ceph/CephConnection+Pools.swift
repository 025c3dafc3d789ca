import CRados
import CRbd
import Glibc

/// A pool and its number.
public struct PoolEntry: Sendable, Hashable {
    public let name: String
    public let id: Int64
}

/// How full a pool is, in bytes.
public struct PoolUsage: Sendable, Hashable {
    /// What clients have stored, before replication.
    public let stored: UInt64
    /// What can still be stored, before replication. Nil when the cluster does not know: the
    /// numbers come from a manager (mgr), which Ceph runs without for block devices.
    public let maxAvailable: UInt64?
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

    /// The name of a pool, or nil when there is none of that number
    /// (`rados_pool_reverse_lookup`).
    public nonisolated func poolName(_ id: Int64, timeout: Duration? = nil) async throws -> String? {
        let call = CephCall.reading("rados_pool_reverse_lookup", .pool("\(id)"))
        return try await perform(call, timeout: timeout) { cluster in
            try cluster.withUnsafeCluster(call) { raw in
                do {
                    return try GrowingBuffer.string(call) { buffer, size in
                        let length = rados_pool_reverse_lookup(raw, id, buffer, size)
                        return length
                    }
                } catch let error as CephError where error.isNotFound {
                    return nil
                }
            }
        }
    }

    /// How full a pool is (`ceph df`). The capability mon 'profile rbd' suffices.
    /// - Throws: `ENOENT` when there is no such pool.
    public nonisolated func poolUsage(_ name: String, timeout: Duration? = nil) async throws -> PoolUsage {
        let answer = try await monitorQuery(MonitorCommand("df"), as: DiskFree.self, timeout: timeout)
        guard let pool = answer.pools.first(where: { $0.name == name }) else {
            throw CephCall.reading("rados_mon_command", .pool(name)).error(ENOENT)
        }
        let isKnown = answer.stats.total_bytes > 0
        return PoolUsage(
            stored: pool.stats.stored ?? 0, maxAvailable: isKnown ? pool.stats.max_avail : nil)
    }

    /// How full the whole cluster is (`rados_cluster_stat`), in bytes of raw space.
    public nonisolated func clusterUsage(timeout: Duration? = nil) async throws -> (total: UInt64, available: UInt64) {
        let call = CephCall.reading("rados_cluster_stat", .cluster(settings.clusterName))
        return try await perform(call, timeout: timeout) { cluster in
            try cluster.withUnsafeCluster(call) { raw in
                var usage = rados_cluster_stat_t()
                try call.check(rados_cluster_stat(raw, &usage))
                return (usage.kb << 10, usage.kb_avail << 10)
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

/// The part of `ceph df --format json` that is used here.
private struct DiskFree: Decodable, Sendable {
    struct Totals: Decodable, Sendable { let total_bytes: UInt64 }
    struct Pool: Decodable, Sendable {
        struct Stats: Decodable, Sendable {
            let stored: UInt64?
            let max_avail: UInt64?
        }
        let name: String
        let stats: Stats
    }
    let stats: Totals
    let pools: [Pool]
}

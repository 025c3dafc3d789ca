import CRados
import FoundationEssentials

/// How full a pool is, in bytes.
public struct PoolUsage: Sendable, Hashable {
    /// What clients have stored, before replication.
    public let stored: UInt64
    /// What can still be stored, before replication.
    public let maxAvailable: UInt64
}

extension CephConnection {
    /// How full a pool is (`ceph df`). The capability mon 'profile rbd' suffices.
    ///
    /// - Returns: nil when the cluster does not know. The numbers come from its manager (mgr):
    ///   without one, or while it starts, the monitors answer with nothing but zeros; and a pool that
    ///   has just been created is missing until its next report.
    public nonisolated func poolUsage(_ pool: String, timeout: Duration? = nil) async throws -> PoolUsage? {
        let answer = try await monitorQuery(MonitorCommand("df"), as: DiskFree.self, timeout: timeout)
        return answer.usage(of: pool)
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
}

/// The part of `ceph df --format json` that is used here.
struct DiskFree: Decodable, Sendable {
    struct Totals: Decodable, Sendable {
        let total_bytes: UInt64
    }

    struct Pool: Decodable, Sendable {
        struct Stats: Decodable, Sendable {
            let stored: UInt64
            let max_avail: UInt64
        }

        let name: String
        let stats: Stats
    }

    let stats: Totals
    let pools: [Pool]

    func usage(of pool: String) -> PoolUsage? {
        guard stats.total_bytes > 0, let entry = pools.first(where: { $0.name == pool }) else { return nil }
        return PoolUsage(stored: entry.stats.stored, maxAvailable: entry.stats.max_avail)
    }
}

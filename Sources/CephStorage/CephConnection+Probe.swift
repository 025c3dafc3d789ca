import CRados
import Glibc

extension CephConnection {
    /// The least that a monitor can be asked (`version`), for health checks. The capability mon 'profile rbd' suffices.
    public nonisolated func askMonitors(timeout: Duration) async throws {
        _ = try await monitorCommand(MonitorCommand("version"), mutates: false, timeout: timeout)
    }

    /// Asks the OSDs of a pool for one object (`rados_stat`), for health checks. Any answer will do, a refusal too, and so
    /// does that there is no such pool.
    /// - Throws: ``CephError`` when no answer comes.
    public nonisolated func askOSDs(of pool: String, timeout: Duration) async throws {
        let call = CephCall.reading("rados_stat", .pool(pool))
        do {
            try await withPool(ImageLocation(pool: pool), call, timeout: timeout) { pool in
                var (size, time): (UInt64, time_t) = (0, 0)
                let code = pool.withUnsafeContext { rados_stat($0, "rbd_info", &size, &time) }
                if code == -ETIMEDOUT { throw call.error(code) }
            }
        } catch let error as CephError where error.isNotFound || error.isDenied {
            return
        }
    }
}

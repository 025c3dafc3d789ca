import Blocking
import CRados
import Glibc
import VolumeCore

/// The owner of one `rados_t`: a connection to the cluster as one client, with an address
/// that can be blocklisted. Every function here blocks and belongs on a ``BlockingPool``.
final class CephCluster: Sendable {
    private let handle: OwnedHandle
    let name: String
    /// The cluster's fsid (`rados_cluster_fsid`).
    let fsid: String
    /// This client's number, as in `client.4123` (`rados_get_instance_id`).
    let instanceID: UInt64
    /// What it connected with; `nil` where the cluster wants none.
    let key: CephKey?

    private init(handle: OwnedHandle, name: String, fsid: String, instanceID: UInt64, key: CephKey?) {
        self.handle = handle
        self.name = name
        self.fsid = fsid
        self.instanceID = instanceID
        self.key = key
    }

    var subject: CephSubject { .cluster(name) }
    var isOpen: Bool { handle.isOpen }

    /// Creates a handle, configures it and connects (`rados_create2`,
    /// `rados_conf_read_file`, `rados_conf_set`, `rados_connect`).
    ///
    /// Can take several times `client_mount_timeout` when no monitor answers: librados asks
    /// them again by itself.
    /// - Parameter background: where the handle is shut down when nobody closes it.
    static func connect(_ settings: CephSettings, background: BlockingPool) throws -> CephCluster {
        let subject = CephSubject.cluster(settings.clusterName)
        var created: rados_t?
        try CephCall.reading("rados_create2", subject).check(
            rados_create2(&created, settings.clusterName, "client.\(settings.user)", 0))
        guard let raw = created else { throw CephCall.reading("rados_create2", subject).error(ENOMEM) }
        let handle = OwnedHandle(raw, closeCall: "rados_shutdown", background: background) { raw in
            rados_shutdown(raw)
            return 0
        }
        do {
            let connect = CephCall.reading("rados_connect", subject)
            return try handle.withUnsafeHandle(connect) { raw in
                try CephConfiguration.apply(settings, to: raw)
                let key = ClientKey.read(settings.user, raw)
                try KeyAcceptance.require(key, of: settings.user, connect)
                let code = rados_connect(raw)
                if code < 0 {
                    let missing = CephConfiguration.whatIsMissing(raw).map { ": \($0)" } ?? ""
                    throw connect.error(code, detail: "as client.\(settings.user)\(missing)")
                }
                let fsid = try Self.fsid(raw, subject)
                return CephCluster(
                    handle: handle, name: settings.clusterName, fsid: fsid,
                    instanceID: rados_get_instance_id(raw), key: key)
            }
        } catch {
            _ = handle.close()
            throw error
        }
    }

    private static func fsid(_ raw: rados_t, _ subject: CephSubject) throws -> String {
        try GrowingBuffer.string(capacity: 64, .reading("rados_cluster_fsid", subject)) { buffer, size in
            rados_cluster_fsid(raw, buffer, size)
        }
    }

    /// Lends the `rados_t` for one call on the current thread.
    func withUnsafeCluster<T>(_ call: CephCall, _ body: (rados_t) throws -> T) throws -> T {
        try handle.withUnsafeHandle(call, body)
    }

    /// Opens a pool for the time of `body` (`rados_ioctx_create`). Costs no round trip for a
    /// pool that the client's osdmap knows.
    /// - Throws: ``CephError`` with `ENOENT` and the pool as its subject when there is none.
    func withPool<T>(_ location: ImageLocation, _ body: (borrowing CephPool) throws -> T) throws -> T {
        let call = CephCall.reading("rados_ioctx_create", .pool(location.pool))
        try call.refuseNUL(in: [location.pool, location.namespace])
        return try withUnsafeCluster(call) { raw in
            let pool = try CephPool(opening: location, on: raw, call)
            return try body(pool)
        }
    }

    /// Keeps the connection up for something that stays open on it, until ``release()``.
    func retain(_ call: CephCall) throws {
        try handle.retain(call)
    }

    /// Gives back what ``retain(_:)`` took.
    func release() {
        handle.release()
    }

    /// Disconnects (`rados_shutdown`), or leaves that to the last user of the connection.
    func close() -> OwnedHandle.Closing {
        handle.close()
    }
}

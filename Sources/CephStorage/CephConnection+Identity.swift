import CRados
import Glibc
import VolumeCore

/// Who this process is to the cluster.
public struct CephIdentity: Sendable, Hashable {
    /// The cluster's fsid.
    public let fsid: String
    /// The number of this client, as in `client.4123`.
    public let clientID: UInt64
    /// The addresses of this client, as the blocklist takes them.
    public let addresses: [ClientAddress]
}

extension CephConnection {
    /// The cluster's fsid, and the number and addresses of this connection
    /// (`rados_cluster_fsid`, `rados_get_instance_id`, `rados_getaddrs`). They change when
    /// the connection is made anew.
    public nonisolated func identity(timeout: Duration? = nil) async throws -> CephIdentity {
        let call = CephCall.reading("rados_getaddrs", .cluster(settings.clusterName))
        return try await perform(call, timeout: timeout) { cluster in
            CephIdentity(
                fsid: cluster.fsid, clientID: cluster.instanceID, addresses: try cluster.addresses(call))
        }
    }

    /// Tells the cluster's fsid, as a port does: within the operation's deadline, and with failures told in its words.
    public nonisolated func fsid(clock: any DriverClock) -> @Sendable () async throws -> String {
        let calls = CephCalls(connection: self, clock: clock)
        return {
            try await calls("find out which Ceph cluster this is") { try await self.identity(timeout: $0).fsid }
        }
    }

    /// Asks the monitors for the newest map (`rados_wait_for_latest_osdmap`): succeeds when,
    /// and only when, a monitor answers. For health checks.
    public nonisolated func ping(timeout: Duration? = nil) async throws {
        let call = CephCall.reading("rados_wait_for_latest_osdmap", .cluster(settings.clusterName))
        try await perform(call, timeout: timeout) { cluster in
            try cluster.withUnsafeCluster(call) { _ = try call.check(rados_wait_for_latest_osdmap($0)) }
        }
    }
}

extension CephCluster {
    /// The addresses of this connection (`rados_getaddrs`).
    func addresses(_ call: CephCall) throws -> [ClientAddress] {
        try withUnsafeCluster(call) { raw in
            var text: UnsafeMutablePointer<CChar>?
            try call.check(rados_getaddrs(raw, &text))
            defer { rados_buffer_free(text) }
            return text.map { ClientAddress.list(String(cString: $0)) } ?? []
        }
    }
}

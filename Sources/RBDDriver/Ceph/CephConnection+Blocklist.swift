import CRados
import FoundationEssentials
import Glibc
import VolumeCore

/// A client that the cluster refuses.
public struct BlocklistEntry: Sendable, Hashable {
    public let address: ClientAddress
    /// When the cluster lets it in again, as the monitors print it.
    public let until: String
}

extension CephConnection {
    /// Makes the cluster refuse one client from now on (`rados_blocklist_add`). When this
    /// returns, this client knows the map that says so, and an OSD learns it before it answers a
    /// later request of this client.
    ///
    /// Adding an address again replaces its expiry. mon 'profile rbd' allows adding one
    /// `ip:port/nonce`, no ranges, and neither listing nor removing.
    /// - Parameter duration: how long, in whole seconds, at most 136 years. A client that was
    ///   only cut off goes on writing when the entry ends: use years.
    public nonisolated func blocklistAdd(
        _ address: ClientAddress, for duration: Duration, timeout: Duration? = nil
    ) async throws {
        let call = CephCall.changing("rados_blocklist_add", .client(address.description))
        // 0 would mean Ceph's default of one hour.
        let seconds = UInt32(clamping: max(1, duration.components.seconds))
        try await perform(call, timeout: timeout) { cluster in
            try cluster.withUnsafeCluster(call) { raw in
                // The C function takes a plain char * and does not write to it.
                var text = Array(address.description.utf8CString)
                try call.check(rados_blocklist_add(raw, &text, seconds))
            }
        }
    }

    /// Lets a client in again (`osd blocklist rm`). Needs more than mon 'profile rbd'.
    public nonisolated func blocklistRemove(_ address: ClientAddress, timeout: Duration? = nil) async throws {
        _ = try await monitorCommand(
            MonitorCommand("osd blocklist", ["blocklistop": "rm", "addr": address.description]), mutates: true,
            timeout: timeout)
    }

    /// The clients that the cluster refuses (`osd blocklist ls`). Whole hosts and ranges,
    /// which have no nonce, are left out.
    public nonisolated func blocklist(timeout: Duration? = nil) async throws -> [BlocklistEntry] {
        struct Line: Decodable, Sendable {
            /// Missing from an entry for a range of addresses.
            let addr: String?
            let until: String
        }
        return try await monitorQuery(MonitorCommand("osd blocklist ls"), as: [Line].self, timeout: timeout)
            .compactMap { line in
                line.addr.flatMap(ClientAddress.init).map { BlocklistEntry(address: $0, until: line.until) }
            }
    }
}

import CRados
import FoundationEssentials
import Glibc
import Synchronization
import VolumeCore

/// A client that the cluster refuses.
public struct BlocklistEntry: Sendable, Hashable {
    public let address: ClientAddress
    /// When the cluster lets it in again.
    public let until: Date
}

extension CephConnection {
    /// Makes the cluster refuse one client from now on (`rados_blocklist_add`), and reads back
    /// that it does (`osd blocklist ls`). When this returns, this client knows the map that
    /// says so. An OSD learns it with the first request of a client that knows: until then it
    /// may still take a write of the refused one, but never after it has served us.
    ///
    /// An entry that stands already keeps its expiry, whatever is asked for: Ceph 16.2 says
    /// that it changed it and does not. So look at the entry that is returned.
    ///
    /// mon 'profile rbd' allows adding and listing, not removing.
    /// - Parameter duration: how long, in whole seconds, at most 136 years. A client that was
    ///   only cut off goes on writing when the entry ends: use years.
    /// - Returns: the entry that stands now.
    @discardableResult
    public nonisolated func blocklistAdd(
        _ address: ClientAddress, for duration: Duration, timeout: Duration? = nil
    ) async throws -> BlocklistEntry {
        let call = CephCall.changing("rados_blocklist_add", .client(address.description))
        let deadline = deadline(timeout)
        // 0 would mean Ceph's default of one hour.
        let seconds = UInt32(clamping: max(1, duration.components.seconds))
        try await perform(call, timeout: timeout) { cluster in
            try cluster.withUnsafeCluster(call) { raw in
                // The C function takes a plain char * and does not write to it.
                var text = Array(address.description.utf8CString)
                try call.check(rados_blocklist_add(raw, &text, seconds))
            }
        }
        let entries = try await blocklist(timeout: ContinuousClock.now.duration(to: deadline))
        guard let entry = entries.first(where: { $0.address == address }) else {
            throw CephError(
                call: call.name, subject: call.subject, code: EIO, outcome: .unknown,
                detail: "the monitors accepted it but do not list it")
        }
        return entry
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
        let lines = try await monitorQuery(
            MonitorCommand("osd blocklist ls"), as: [Line].self, timeout: timeout)
        blocklistLength.store(lines.count, ordering: .relaxed)
        return lines.compactMap { line in
            guard let address = line.addr.flatMap(ClientAddress.init) else { return nil }
            return BlocklistEntry(address: address, until: MonitorTime.date(line.until) ?? .distantPast)
        }
    }

    /// How many entries the blocklist had when this connection last read it, which is with each decision about a fence.
    /// `nil` when it has not read it yet.
    public nonisolated var knownBlocklistLength: Int? {
        let length = blocklistLength.load(ordering: .relaxed)
        return length < 0 ? nil : length
    }
}

import Logging
import VolumeCore

/// Shuts a former owner out of Ceph, for whoever has recorded that it is about to (`fencing`). Repeating it does no harm.
struct FenceRaiser: Sendable {
    let fence: any Fence
    let images: any ImageStore
    let expiry: Duration
    let log: Logger
    let commit: @Sendable (StoreChange, StoredVolume) async throws -> StoredVolume?

    /// Blocklist first, then the lock: a client whose lock is broken before it is blocklisted takes it again.
    /// - Returns: the records as they are then, still `fencing`; `nil` when they were changed by somebody else meanwhile.
    func raise(over fencing: StoredVolume) async throws -> StoredVolume? {
        guard let volume = fencing.volume?.record else { return nil }
        let lockOwners = try await unlessGone { try await fence.lockOwners(of: volume.image) }
        guard let complete = try await withAllClients(fencing, volume, lockOwners),
            let clients = complete.attachment?.record.fenced?.clients
        else { return nil }
        for client in clients {
            try await fence.blocklist(client, for: expiry)
            log.warning("blocklisted", metadata: ["volume": "\(volume.name)", "client": "\(client)"])
        }
        for client in lockOwners where clients.contains(client) {
            try await fence.breakLock(of: volume.image, heldBy: client)
        }
        return complete
    }

    /// Who died between mapping and recording is known to Ceph only: whoever has the image open is the one, and goes into
    /// the record before it is shut out. When that write succeeds, the record has said `fencing` all the time, and nobody
    /// else can have the image open. Without it, a node that slept here would shut out the owner that came after it.
    private func withAllClients(
        _ fencing: StoredVolume, _ volume: VolumeRecord, _ lockOwners: [ClientAddress]
    ) async throws -> StoredVolume? {
        guard var attachment = fencing.attachment?.record, let fenced = attachment.fenced else { return nil }
        guard fenced.mayBeIncomplete else { return fencing }
        let found = try await unlessGone { try await images.watchers(of: volume.image) } + lockOwners
        attachment.fenced?.clients = Set(fenced.clients + found).sorted { $0.text < $1.text }
        attachment.fenced?.mayBeIncomplete = false
        return try await commit(.init(attachment: .put(attachment)), fencing)
    }

    /// Nobody has an image that is gone. Those whom the record names are shut out all the same.
    private func unlessGone(_ find: () async throws -> [ClientAddress]) async throws -> [ClientAddress] {
        do { return try await find() } catch let error as VolumeError where error.code == .notFound { return [] }
    }
}

import Logging
import VolumeCore

/// Shuts a former owner out of Ceph, for whoever has recorded that it is about to (`fencing`). Repeating it does no harm.
struct FenceRaiser: Sendable {
    let fence: any Fence
    let images: any ImageStore
    let rules: DriverRules
    let expiry: Duration
    let log: Logger
    let commit: @Sendable (StoreChange, StoredVolume) async throws -> StoredVolume?

    /// Blocklist first, then the lock: a client whose lock is broken before it is blocklisted takes it again.
    ///
    /// A record says who may write, and whoever may write to etcd can make it say anything. So a client is shut out only when
    /// the image itself knows it.
    /// - Returns: `nil` when the records were changed by somebody else meanwhile.
    /// - Throws: `VolumeError` with code `unexplained` for a client of which nobody can tell whose it is.
    func raise(over fencing: StoredVolume) async throws -> RaisedFence? {
        guard let volume = fencing.volume?.record else { return nil }
        let image = try await images.inspect(imageOf: volume)
        guard let complete = try await withAllClients(fencing, volume, image),
            let fenced = complete.attachment?.record.fenced
        else { return nil }
        var shutOut: [ClientAddress] = []
        for client in fenced.clients where try await isToBeShutOut(client, fenced, volume, image) {
            try await fence.blocklist(client, for: expiry)
            shutOut.append(client)
            log.warning(
                "blocklisted a client of the former owner",
                metadata: ["volume": "\(volume.name)", "client": "\(client)"])
        }
        for client in image?.lockOwners ?? [] where shutOut.contains(client) {
            try await unlessGone { try await fence.breakLock(of: volume.image, heldBy: client) }
        }
        await images.forgetWriters(Set(shutOut), of: volume, log: log)
        return RaisedFence(stored: complete, shutOut: shutOut)
    }

    private func isToBeShutOut(
        _ client: ClientAddress, _ fenced: Attachment.Fenced, _ volume: VolumeRecord, _ image: ImageDescription?
    ) async throws -> Bool {
        switch rules.standing(client, image, volume, fenced.writersAreNoted == true) {
        case .mayWrite: return true
        case .harmless: return false
        case .unknown:
            // Where an operator has put it there, it only has to stand as long as a fence.
            guard try await fence.isBlocklisted(client) else {
                throw VolumeError.unknownClient(client, "take over volume \(volume.name)", volume.image)
            }
            return true
        }
    }

    /// Who died between mapping and recording is known to the image and to Ceph only. They go into the record before they are
    /// shut out. When that write succeeds, the record has said `fencing` all the time, and nobody else can have the image
    /// open. Without it, a node that slept here would shut out the owner that came after it.
    private func withAllClients(
        _ fencing: StoredVolume, _ volume: VolumeRecord, _ image: ImageDescription?
    ) async throws -> StoredVolume? {
        guard var attachment = fencing.attachment?.record, let fenced = attachment.fenced else { return nil }
        let own = image?.uid == volume.uid ? image : nil
        let open = fenced.mayBeIncomplete ? (own?.watchers ?? []) + (own?.lockOwners ?? []) : []
        let found = Set((own?.writers ?? []) + open)
        guard fenced.mayBeIncomplete || !found.isSubset(of: fenced.clients) else { return fencing }
        if let own {
            // Noted first, as whatever a record names: Ceph forgets a watch in half a minute, and this may end right here.
            for client in found.subtracting(own.writers).sorted(by: { $0.text < $1.text }) {
                try await images.noteWriter(client, in: volume.image, id: own.id)
            }
            // Its own node may take a note away again, once it has unmapped the client.
            if fenced.clients.allSatisfy(own.writers.contains) { attachment.fenced?.writersAreNoted = true }
        }
        attachment.fenced?.clients = found.union(fenced.clients).sorted { $0.text < $1.text }
        attachment.fenced?.mayBeIncomplete = false
        return try await commit(.init(attachment: .put(attachment)), fencing)
    }

    /// Where the image has lost its name, nobody maps it by that name, and its lock is in nobody's way.
    private func unlessGone(_ breakLock: () async throws -> Void) async throws {
        do { try await breakLock() } catch let error as VolumeError where error.code == .notFound { return }
    }
}

/// A fence that stands.
struct RaisedFence: Sendable {
    /// The records as they are then, still `fencing`.
    let stored: StoredVolume
    /// The clients that the image knew. No other entry of the blocklist may ever be lifted on behalf of this volume.
    let shutOut: [ClientAddress]
}

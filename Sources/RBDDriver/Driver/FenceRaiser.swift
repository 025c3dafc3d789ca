import Logging
import VolumeCore

/// Shuts a former owner out of Ceph. Repeating it does no harm.
struct FenceRaiser: Sendable {
    let fence: any Fence
    let images: any ImageStore
    let expiry: Duration
    let log: Logger

    /// Blocklist first, then the lock: a client whose lock is broken before it is blocklisted takes it again.
    func raise(against fenced: Attachment.Fenced, _ volume: VolumeRecord) async throws {
        let lockOwners = try await fence.lockOwners(of: volume.image)
        var clients = Set(fenced.clients)
        if fenced.mayBeIncomplete {
            // Died between mapping and recording: then whoever has the image open is the one. Nobody else may: the
            // record has said `attaching` and then `fencing` all the time.
            clients.formUnion(try await images.watchers(of: volume.image) + lockOwners)
        }
        for client in clients.sorted(by: { $0.description < $1.description }) {
            try await fence.blocklist(client, for: expiry)
            log.warning("blocklisted", metadata: ["volume": "\(volume.name)", "client": "\(client)"])
        }
        for client in lockOwners where clients.contains(client) {
            try await fence.breakLock(of: volume.image, heldBy: client)
        }
    }
}

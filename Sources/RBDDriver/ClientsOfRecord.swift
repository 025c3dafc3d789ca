import Logging
import VolumeCore

/// What stands behind invariant I7: no record stops naming a client that may still write.
///
/// A mapper shows what it has notes of. Notes get lost, and kinds of mapper change, while the mapping goes on. So a client
/// that a record names counts as gone only when this operation has unmapped that very client, or when Ceph has shut it out.
extension VolumeDriver {
    /// Shuts out the clients that the record names and that no device of this node accounts for, before the record goes or
    /// names another client.
    /// - Parameter accounted: clients whose devices were unmapped in this operation, or are still mapped and known.
    /// - Throws: `VolumeError`, `busy` when such a client has the image open and something on this node uses the recorded
    ///   device; whatever keeps it from being shut out. The record has to stay then.
    func shutOutUnseen(_ attachment: Attachment, of volume: VolumeRecord, besides accounted: Set<ClientAddress>)
        async throws
    {
        for client in rules.unaccounted(attachment, accounted) {
            // One that ends within the hour, as of a lock that somebody else broke, is no fence.
            if try await ports.fence.isBlocklisted(client) {
                try await ports.fence.blocklist(client, for: settings.blocklistExpiry)
                continue
            }
            try await refuseIfInUse(client, attachment, volume)
            guard try await mayWrite(client, attachment, volume) else { continue }
            try await ports.fence.blocklist(client, for: settings.blocklistExpiry)
            log.warning(
                "shut out a recorded client that no mapping on this node accounts for",
                metadata: ["volume": "\(volume.name)", "client": "\(client)", "mapper": "\(attachment.mapper ?? "-")"])
        }
    }

    /// Whether a client that the record names has to be shut out. An address in a record is only followed when the image
    /// itself knows it.
    /// - Throws: `VolumeError` with code `unexplained` when nobody can tell.
    func mayWrite(_ client: ClientAddress, _ attachment: Attachment, _ volume: VolumeRecord) async throws -> Bool {
        let image = try await ports.images.inspect(imageOf: volume)
        switch rules.standing(client, image, volume, attachment.writersAreNoted == true) {
        case .mayWrite: return true
        case .harmless: return false
        case .unknown: throw VolumeError.unknownClient(client, "let go of volume \(volume.name)", volume.image)
        }
    }

    /// A client that has the image open may serve a container that the plugin's own unmount did not touch.
    private func refuseIfInUse(_ client: ClientAddress, _ attachment: Attachment, _ volume: VolumeRecord) async throws {
        guard attachment.owner == me, let device = attachment.device, try await mayHave(volume, client),
            try await ports.mounter.isInUse(device), try await !isAnothers(device, volume, attachment)
        else { return }
        throw VolumeError(
            .busy, "let go of volume \(volume.name)",
            why:
                "\(device) is in use, and the client \(client) has the image \(volume.image) open, but the"
                + " \(attachment.mapper ?? "present") mapper has no notes of that client",
            remedy: "\(VolumeError.waitForDeadClient); if the client is alive, stop the containers that use the volume"
                + " here (was RBD_STATE_DIR changed or emptied?)", outcome: .refused)
    }

    /// Whether the recorded device has become that of another image: what uses it is not this volume.
    private func isAnothers(_ path: String, _ volume: VolumeRecord, _ attachment: Attachment) async throws -> Bool {
        guard let device = try await mapped(at: path) else { return false }
        return rules.relation(device, volume, attachment) == .unrelated
    }

    /// Whether the client has the volume's image open, as far as Ceph can tell: whoever died watches it no more after half a
    /// minute, but may hold its lock for ever. An image that has lost its name cannot be looked at: then it may.
    func mayHave(_ volume: VolumeRecord, _ client: ClientAddress) async throws -> Bool {
        guard let image = try await inspect(volume.image), image.id == volume.imageID else { return true }
        return image.watchers.contains(client)
    }
}

import Logging
import VolumeCore

/// The second memory: each image says itself who may write to it. A client is noted there before a record names it, and
/// before anything is written; the note goes when the client is gone or shut out. So what etcd has lost, or what somebody has
/// put into it, neither gives an image a second writer nor has somebody else's client shut out.
extension VolumeDriver {
    /// Notes who writes through a device.
    func noteWriter(of device: MappedDevice, _ volume: VolumeRecord) async throws {
        guard let client = device.client, let id = volume.imageID else { return }
        try await ports.images.noteWriter(client, in: volume.image, id: id)
    }

    /// Takes the notes of clients away that are gone or shut out.
    func forgetWriters(_ clients: Set<ClientAddress>, of volume: VolumeRecord?) async {
        await ports.images.forgetWriters(clients, of: volume, log: log)
    }

    /// Shuts out the clients that the image names as its writers and that no device of this node is: the records that named
    /// them are lost. Nobody has the image open, as the look has shown.
    /// - Parameter claimed: this node's claim. It is read again: while it stands, whoever was noted before the look had the
    ///   volume before this node.
    func shutOutForgottenWriters(
        _ image: ImageDescription, of volume: VolumeRecord, besides mine: Set<ClientAddress>, claimed: StoredVolume
    ) async throws {
        let forgotten = rules.forgotten(image, mine)
        guard !forgotten.isEmpty else { return }
        try await refuseIfLost(claimed)
        try await shutOut(forgotten, of: volume)
    }

    /// The same before an image is removed. The record says `removing`, so that no node can claim the volume any more.
    func shutOutForgottenWriters(beforeRemoving image: ImageDescription?, of volume: VolumeRecord) async throws {
        guard let image, image.uid == volume.uid else { return }
        try await shutOut(rules.forgotten(image, []), of: volume)
    }

    /// The same before an image is rolled back. The request is this node's, so that no other node can claim the volume.
    /// - Parameter client: of this plugin.
    func shutOutForgottenWriters(
        _ image: ImageDescription, of volume: VolumeRecord, besides client: ClientAddress
    ) async throws {
        try await shutOut(rules.forgotten(image, [client]), of: volume)
    }

    private func shutOut(_ forgotten: [ClientAddress], of volume: VolumeRecord) async throws {
        for client in forgotten {
            try await ports.fence.blocklist(client, for: settings.blocklistExpiry)
            log.warning(
                "shut out a client that the image names as its writer but no record names",
                metadata: ["volume": "\(volume.name)", "client": "\(client)"])
        }
        await forgetWriters(Set(forgotten), of: volume)
    }

    /// - Throws: `VolumeError` when the claim is another node's by now.
    func refuseIfLost(_ claimed: StoredVolume) async throws {
        let now = try await read(claimed.name)
        guard now.attachment?.record.owner == me, now.attachment?.record.epoch == claimed.attachment?.record.epoch
        else {
            throw lostClaim(claimed.name)
        }
    }

    func lostClaim(_ name: VolumeName) -> VolumeError {
        VolumeError(
            .conflict, "mount volume \(name)", why: "another node took the volume over meanwhile",
            remedy: "try again")
    }

    /// Notes the writer of a mount that a version before this one has made, which noted none: once it is recorded, no other
    /// node has to guess whether the client is the volume's.
    func noteEarlierWriter(_ attachment: Attachment, _ volume: VolumeRecord, over stored: StoredVolume) async throws {
        let noted = try await withNotedWriter(attachment, volume)
        guard noted != attachment else { return }
        _ = try await commit(.init(attachment: .put(noted)), over: stored)
    }

    /// Notes the writer where the record does not say that it is noted: an older version has made the record, or has written
    /// to it since.
    /// - Returns: the record, which says so as far as the writer is a device of this node.
    func withNotedWriter(_ attachment: Attachment, _ volume: VolumeRecord) async throws -> Attachment {
        guard attachment.writersAreNoted != true else { return attachment }
        guard let device = try await recordedDevice(of: volume, attachment), let client = device.client,
            attachment.clients == [client]
        else { return attachment }
        try await noteWriter(of: device, volume)
        var noted = attachment
        noted.writersAreNoted = true
        return noted
    }
}

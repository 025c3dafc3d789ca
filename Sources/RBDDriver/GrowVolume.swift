import Logging
import VolumeCore

/// Makes volumes larger while containers use them.
extension VolumeDriver {
    /// Gives a volume that this node has mounted the size that is wanted of it: image, device, filesystem, record, in this
    /// order. Each step does nothing where it was done before, so that whoever has the volume next can go on from anywhere.
    /// The record comes last: it never claims what was not done. A node that was fenced must not touch the filesystem.
    func growAsWanted(_ stored: StoredVolume) async throws {
        guard let size = rules.growth(stored), let volume = stored.volume?.record,
            let attachment = stored.attachment?.record, attachment.owner == me, attachment.state == .attached,
            let mountpoint = try await shownMountpoint(of: stored),
            let device = try await recordedDevice(of: volume, attachment), try await !isShutOut(device),
            let id = try await imageID(of: volume)
        else { return }
        do {
            try await ports.images.grow(volume.image, id: id, to: size)
            try await ports.mapper.grow(device, to: size)
            try await ports.filesystems.grow(device.exposed, volume.spec.filesystem, mountpoint: mountpoint)
        } catch {
            await noteFailedGrowth(attachment, over: stored, error)
            throw error
        }
        guard let change = GrowthRule.done(size, stored, at: ports.clock.wallTime()),
            try await commit(change, over: stored) != nil
        else { return }
        log.step("grew volume", stored.name, ["from": "\(volume.spec.size)", "to": "\(size)"])
    }

    /// Whoever waits for the size is told why it does not come. Once: each try may fail in other words.
    private func noteFailedGrowth(_ attachment: Attachment, over stored: StoredVolume, _ error: any Error) async {
        guard attachment.growthReason == nil, let failed = try? attachment.applying(.growthFailed("\(error)")) else {
            return
        }
        _ = try? await undoing { try await commit(.init(attachment: .put(failed)), over: stored) }
    }

    private func imageID(of volume: VolumeRecord) async throws -> String? {
        if let id = volume.imageID { return id }
        guard let image = try await inspect(volume.image), image.uid == volume.uid else { return nil }
        return image.id
    }
}

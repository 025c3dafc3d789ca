import VolumeCore

/// What is otherwise with a volume that any number of nodes read. None of them writes, so nobody has to be shut out; what has to
/// hold is that nobody else writes either.
extension VolumeDriver {
    /// Somebody writes to the image, or may: by hand, beside the plugin. Whoever only reads, as the other nodes do, holds no lock.
    ///
    /// An owner of the lock that is gone may only be paused: as with any volume it is shut out for good.
    func refuseWriters(
        to image: ImageDescription, of volume: VolumeRecord, besides mine: Set<ClientAddress>
    ) async throws {
        var image = image
        var living = image.livingLockOwners(besides: mine)
        // Whoever takes a snapshot of it has the lock for a moment.
        for _ in 1..<8 where !living.isEmpty {
            try await ports.clock.sleep(for: settings.pollInterval)
            guard let now = try await inspect(volume.image), now.id == image.id else { break }
            image = now
            living = image.livingLockOwners(besides: mine)
        }
        guard living.isEmpty else {
            throw VolumeError.inUse(
                "mount volume \(volume.name)", "its image \(volume.image) is being written to, which nobody may do,",
                by: living, remedy: "unmap it there, and make the volume anew")
        }
        try await shutOutSilentLockOwners(of: volume.image, image.lockOwners, besides: mine)
    }

    /// - Throws: `VolumeError` with code `unexplained` for a device that can be written to.
    func refuseWritable(_ device: MappedDevice, _ volume: VolumeRecord) async throws {
        guard try await !ports.mapper.isReadOnly(device) else { return }
        throw VolumeError(
            .unexplained, "mount volume \(volume.name)",
            why: "its image is mapped as \(device.path), which can be written to, and nobody may write to it",
            remedy: "unmap \(device.path), and try again", outcome: .refused)
    }

    /// The living nodes that read the volume, besides this one.
    func readersInTheWay(_ stored: StoredVolume) async throws -> [Attachment] {
        var living: Set<NodeIdentity> = []
        for reader in stored.readingNodes where reader.owner.node != me.node {
            if try await isAlive(reader.owner) { living.insert(reader.owner) }
        }
        return rules.readersInTheWay(stored, me, living)
    }
}

extension ImageDescription {
    /// Who holds the lock and has the image open.
    fileprivate func livingLockOwners(besides mine: Set<ClientAddress>) -> [ClientAddress] {
        lockOwners.filter { watchers.contains($0) && !mine.contains($0) }
    }
}

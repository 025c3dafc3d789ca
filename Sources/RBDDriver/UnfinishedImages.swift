import Logging
import VolumeCore

extension VolumeDriver {
    /// Removes the images of all attempts to create the volume that did not become its image, and the snapshot that they were
    /// made of.
    func removeUnfinishedImages(of record: VolumeRecord) async throws {
        if record.attempt != nil || !record.abandoned.isEmpty { try await removeSnapshotOfNow(for: record) }
        for token in record.abandoned + [record.attempt?.token].compactMap(\.self) {
            try await removeUnfinished(record.unfinishedImage(ofAttempt: token), of: record)
        }
    }

    /// Removes the unfinished images of attempts that were given up.
    /// - Returns: the record without those; an image that still has a watcher stays on its list.
    func sweepAbandoned(_ record: VolumeRecord) async throws -> VolumeRecord {
        var swept = record
        for token in record.abandoned {
            do {
                try await removeUnfinished(record.unfinishedImage(ofAttempt: token), of: record)
                swept.abandoned.removeAll { $0 == token }
            } catch let error as VolumeError where error.code == .busy {
                log.step("an unfinished image still has a watcher; removing it later", record.name)
            }
        }
        return swept
    }

    /// Removes one unfinished image, wherever its attempt stands. It is given another name first: either that succeeds,
    /// and a rename of the attempt that is still on its way finds nothing, or the attempt's rename came first, and nothing
    /// is removed. So what gets the volume's name is always whole.
    /// - Parameter record: of the volume that it was to become; `nil` when none is known.
    func removeUnfinished(_ image: ImageReference, of record: VolumeRecord?) async throws {
        // An attempt that was killed while it formatted may have left its image mapped on this node.
        for device in try await ports.mapper.mapped() where device.image == image {
            try await ports.mapper.unmap(device)
        }
        let withdrawn = image.named(image.name + VolumeRecord.withdrawnSuffix)
        if let found = try await inspect(image) {
            if let volume = try await volumesName(of: found, record) {
                return try await finishRename(image, to: volume)
            }
            try refuseIfWatched(image, found)
            do {
                try await ports.images.rename(image, to: withdrawn.name)
            } catch let error as VolumeError where error.code == .notFound {
                // Another node was faster, with the one name or the other.
            } catch let error as VolumeError where error.code == .alreadyExists {
                // An earlier removal was killed in the midst of this rename: one image with two names.
                try await ports.images.finishRename(image, to: withdrawn.name)
            }
        }
        if let found = try await inspect(withdrawn) {
            try refuseIfWatched(withdrawn, found)
            if let volume = try await volumesName(of: found, record) {
                return try await finishRename(withdrawn, to: volume)
            }
            try await ports.images.remove(withdrawn, id: nil)
        }
        // The creation may have been cut off half-way, or a rename to the other name.
        try await ports.images.clearRemains(of: image)
        try await ports.images.clearRemains(of: withdrawn)
    }

    /// A rename is no single step in Ceph: where one is killed or two meet, two names of one image may stay. The volume's
    /// image is not removed by another name.
    /// - Returns: the volume's image, when that is the one that was found.
    private func volumesName(of found: ImageDescription, _ record: VolumeRecord?) async throws -> ImageReference? {
        guard let record, try await ports.images.inspect(record.image)?.id == found.id else { return nil }
        return record.image
    }

    private func finishRename(_ image: ImageReference, to volume: ImageReference) async throws {
        log.info(
            "finishing an interrupted rename of a new volume's image",
            metadata: ["image": "\(image)", "volume": "\(volume.name)"])
        try await ports.images.finishRename(image, to: volume.name)
    }

    /// Renaming and removing wait for the image's exclusive lock. A process that was killed holds it for half a minute:
    /// longer than an operation may take.
    private func refuseIfWatched(_ image: ImageReference, _ found: ImageDescription) throws {
        guard found.watchers.isEmpty else {
            throw VolumeError.inUse(
                "remove unfinished image \(image)", "it is in use", by: found.watchers, code: .busy,
                remedy: "\(VolumeError.waitForDeadClient); 'ceph pg repeer' clears a dead client that stays")
        }
    }
}

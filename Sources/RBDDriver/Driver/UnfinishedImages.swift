import Logging
import VolumeCore

extension VolumeDriver {
    /// Removes the images of all attempts to create the volume that did not become its image.
    func removeUnfinishedImages(of record: VolumeRecord) async throws {
        for token in record.abandoned + [record.attempt?.token].compactMap(\.self) {
            try await removeUnfinished(record.unfinishedImage(ofAttempt: token))
        }
    }

    /// Removes the unfinished images of attempts that were given up.
    /// - Returns: the record without those; an image that still has a watcher stays on its list.
    func sweepAbandoned(_ record: VolumeRecord) async throws -> VolumeRecord {
        var swept = record
        for token in record.abandoned {
            do {
                try await removeUnfinished(record.unfinishedImage(ofAttempt: token))
                swept.abandoned.removeAll { $0 == token }
            } catch let error as VolumeError where error.code == .busy {
                log.step("an unfinished image still has a watcher; it is removed later", record.name)
            }
        }
        return swept
    }

    /// Removes one unfinished image, wherever its attempt stands. It is given another name first: either that succeeds,
    /// and a rename of the attempt that is still on its way finds nothing, or the attempt's rename came first, and nothing
    /// is removed. So what gets the volume's name is always whole.
    func removeUnfinished(_ image: ImageReference) async throws {
        // An attempt that was killed while it formatted may have left its image mapped on this node.
        for device in try await ports.mapper.mapped() where device.image == image {
            try await ports.mapper.unmap(device)
        }
        let withdrawn = image.named(image.name + VolumeRecord.withdrawnSuffix)
        try await ports.images.remove(withdrawn, id: nil)
        guard try await ports.images.inspect(image) != nil else { return }
        do {
            try await ports.images.rename(image, to: withdrawn.name)
        } catch let error as VolumeError where error.code == .notFound {
            return
        }
        try await ports.images.remove(withdrawn, id: nil)
    }
}

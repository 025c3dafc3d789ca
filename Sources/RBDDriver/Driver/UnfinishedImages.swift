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

    /// An attempt that was killed while it formatted may have left its image mapped on this node.
    func removeUnfinished(_ image: ImageReference) async throws {
        for device in try await ports.mapper.mapped() where device.image == image {
            try await ports.mapper.unmap(device)
        }
        try await ports.images.remove(image, id: nil)
    }
}

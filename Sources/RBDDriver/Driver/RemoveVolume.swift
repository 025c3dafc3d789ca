import Logging
import VolumeCore

extension VolumeDriver {
    /// Removes the volume and its image. Safe to repeat after any failure.
    public func remove(_ nameText: String) async throws {
        let name = try VolumeName(nameText)
        try await operation("remove", name) {
            while try await !remove(name) {}
        }
    }

    /// - Returns: `false` when the records changed meanwhile, or there is another step to take: decide again.
    private func remove(_ name: VolumeName) async throws -> Bool {
        let stored = try await read(name)
        let justMounted = memory.mayHaveBeenMounted(name, within: policy.handOverGrace, of: ports.clock.now())
        switch try RemoveRule.decide(
            stored, me: me, attemptIsAlive: try await attemptIsAlive(stored), justMounted: justMounted)
        {
        case .detach(let attachment):
            _ = try await detach(attachment, over: stored)
            return false
        case .begin(let volume):
            try await refuseWatched(volume)
            var removing = volume
            removing.phase = .removing
            guard let begun = try await commit(.init(volume: .put(removing)), over: stored) else { return false }
            log.step("removing volume", name, ["image": "\(volume.image)"])
            return try await removeImages(removing, over: begun)
        case .carryOn(let volume):
            return try await removeImages(volume, over: stored)
        }
    }

    private func refuseWatched(_ volume: VolumeRecord) async throws {
        guard try await ports.images.inspect(volume.image)?.uid == volume.uid else { return }
        let watchers = try await strangers(to: volume, besides: [])
        guard watchers.isEmpty else {
            throw VolumeError(
                .inUse, "remove volume \(volume.name)",
                why: "its image \(volume.image) is in use by \(watchers.map(\.description).joined(separator: ", "))",
                remedy: "find it with 'rbd status \(volume.image)' and unmap it there", outcome: .refused)
        }
    }

    private func removeImages(_ volume: VolumeRecord, over stored: StoredVolume) async throws -> Bool {
        try await removeUnfinishedImages(of: volume)
        if let image = try await ports.images.inspect(volume.image) {
            if image.uid == volume.uid {
                try await ports.images.remove(volume.image, id: image.id)
            } else {
                log.warning(
                    "left an image alone that is not this volume's",
                    metadata: ["volume": "\(volume.name)", "image": "\(volume.image)", "id": "\(image.id)"])
            }
        } else if let id = volume.imageID {
            // It may be half removed: then it has no name any more, but still its data.
            try await ports.images.remove(volume.image, id: id)
        }
        guard try await commit(.init(volume: .delete), over: stored) != nil else { return false }
        log.step("removed volume", volume.name)
        return true
    }
}

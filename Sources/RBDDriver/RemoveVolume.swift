import Logging
import VolumeCore

extension VolumeDriver {
    /// Removes the volume, and does with its image what the volume's value `on-remove` says. Safe to repeat after any failure.
    public func remove(_ nameText: String) async throws {
        let name = try VolumeName(given: nameText)
        try await operation("remove", name) {
            while try await !remove(name) {}
        }
    }

    /// - Returns: `false` when the records changed meanwhile, or there is another step to take: decide again.
    private func remove(_ name: VolumeName) async throws -> Bool {
        let stored = try await read(name)
        try refuseOtherName(name, stored, to: "remove")
        let justMounted = memory.mayHaveBeenMounted(name, within: settings.handOverGrace, of: ports.clock.now())
        let policy = try await policyOfRemoval(stored)
        let choice = stored.volume.map { TrashRule.onRemove($0.record, policy: policy) } ?? .delete
        let step = try rules.remove(stored, me, try await attemptIsAlive(stored), justMounted, choice)
        // What is left here of a shared volume goes, whoever else has it.
        if case .detach = step {
        } else {
            try SharedVolumeRule.refuse(try await readersInTheWay(stored), "remove volume \(name)")
        }
        return try await inSlot(of: stored.pool, to: "remove volume \(name)") {
            try await carryOut(step, over: stored, policy)
        }
    }

    /// The values of the volume's policy where they may decide what becomes of its image: as etcd has them now. A policy that cannot
    /// be read lets nothing be removed that it may want kept.
    private func policyOfRemoval(_ stored: StoredVolume) async throws -> RuntimeSettings? {
        guard let volume = stored.volume?.record, volume.phase == .ready, let name = volume.policy else { return nil }
        if volume.runtime.onRemove == .delete || volume.runtime.onRemove == .keep { return nil }
        return try await ports.policyStore.named(name)?.policy.runtime
    }

    /// - Returns: as `remove`.
    private func carryOut(
        _ step: RemoveStep, over stored: StoredVolume, _ policy: RuntimeSettings?
    ) async throws -> Bool {
        switch step {
        case .detach(let attachment):
            _ = try await detach(attachment, over: stored)
            return false
        case .begin(let volume):
            let image = try await inspect(volume.image)
            try await refuseWatched(volume, image)
            if let refusal = try await refusal(volume, image) { throw refusal }
            var removing = volume
            removing.phase = .removing
            if let image, image.uid == volume.uid { removing.imageID = image.id }
            guard let begun = try await commit(.init(volume: .put(removing)), over: stored) else { return false }
            log.step("removing volume", stored.name, ["image": "\(volume.image)"])
            return try await removeImages(removing, image, over: begun)
        case .beginToKeep(let volume): return try await beginToKeep(volume, over: stored, policy)
        case .carryOn(let volume) where volume.trash != nil:
            let image = try await inspect(volume.image)
            try await refuseWatched(volume, image)
            return try await moveToTrash(volume, image, policy, over: stored)
        case .carryOn(let volume):
            let image = try await inspect(volume.image)
            if let refusal = try await refusal(volume, image) {
                return try await giveBack(volume, image, over: stored, refusal)
            }
            try await refuseWatched(volume, image)
            // An earlier version removed also what was to be kept, and may have been killed before it got there.
            if TrashRule.onRemove(volume, policy: nil) == .keep, let image, image.uid == volume.uid {
                return try await forget(volume, over: stored)
            }
            return try await removeImages(volume, image, over: stored)
        case .forget(let volume): return try await forget(volume, over: stored)
        }
    }

    /// Why the image cannot be removed. Which of its snapshots are whose is looked up only if there are any.
    private func refusal(_ volume: VolumeRecord, _ image: ImageDescription?) async throws -> VolumeError? {
        guard let image, RemoveRule.refusal(volume, image) != nil else { return nil }
        let clones = try await ports.images.clones(of: volume.image, id: image.id, madeOf: nil)
        let snapshots = try await ports.snapshots.snapshots(of: volume.image, id: image.id)
        return RemoveRule.refusal(
            volume, image, clones: clones, scheduled: Set(snapshots.filter(\.isScheduledAndFree).map(\.name)))
    }

    /// - Returns: as `remove`.
    private func forget(_ volume: VolumeRecord, over stored: StoredVolume) async throws -> Bool {
        guard try await commit(.deletion, over: stored) != nil else { return false }
        log.step("removed volume; its image stays", volume.name, ["image": "\(volume.image)"])
        return true
    }

    /// A removal that was begun cannot go on: with its image whole, the volume is ready again. Else it could neither be
    /// removed nor mounted, and nobody would see why.
    /// - Returns: as `remove`.
    private func giveBack(
        _ volume: VolumeRecord, _ image: ImageDescription?, over stored: StoredVolume, _ refusal: VolumeError
    ) async throws -> Bool {
        guard let ready = RemoveRule.returned(volume, to: image) else { throw refusal }
        let change = StoreChange(volume: .put(ready), why: refusal.why)
        guard try await commit(change, over: stored) != nil else { return false }
        log.step("a removal cannot continue; the volume is ready again", volume.name, ["reason": "\(refusal.why)"])
        var told = refusal
        told.why += "; the volume can be used as before"
        throw told
    }

    private func refuseWatched(_ volume: VolumeRecord, _ image: ImageDescription?) async throws {
        guard let image, image.uid == volume.uid else { return }
        let watchers = try await strangers(to: volume.image, besides: [], seen: image.watchers)
        guard watchers.isEmpty else {
            throw VolumeError.imageInUse("remove volume \(volume.name)", volume.image, by: watchers)
        }
    }

    /// - Parameter seen: the volume's image as it was seen before the record said that it goes. Enough when it was the
    ///   volume's own: its id never belongs to another image, and only the image of that id is removed. Anything else has to
    ///   be looked at once the unfinished images are gone: until then, a rename that was given up may still make one of
    ///   them the volume's.
    private func removeImages(
        _ volume: VolumeRecord, _ seen: ImageDescription?, over stored: StoredVolume
    ) async throws -> Bool {
        try await removeUnfinishedImages(of: volume)
        var image = seen
        if image?.uid != volume.uid { image = try await inspect(volume.image) }
        try await shutOutForgottenWriters(beforeRemoving: image, of: volume)
        do {
            try await discard(volume, id: image?.uid == volume.uid ? image?.id : volume.imageID)
        } catch let error as VolumeError where error.code == .foreignImage {
            log.warning(
                "left alone an image that is not this volume's",
                metadata: ["volume": "\(volume.name)", "image": "\(volume.image)", "image-id": "\(image?.id ?? "?")"])
        }
        guard try await commit(.deletion, over: stored) != nil else {
            try await bringBack(volume)
            return false
        }
        memory.noteTrash(in: volume.image.trash)
        log.step("removed volume", volume.name, volume.trash.map { ["kept-until": "\($0.until)"] } ?? [:])
        return true
    }

    /// Somebody has restored the volume meanwhile, or is at it: then this has put its image into the trash once more.
    private func bringBack(_ volume: VolumeRecord) async throws {
        guard volume.trash != nil, let id = volume.imageID, let now = try await read(volume.name).volume?.record,
            now.uid == volume.uid, now.imageID == id, now.phase == .ready || now.trash?.isReturning == true
        else { return }
        let image = TrashedImage(in: volume.image.trash, id: id, of: volume.name, uid: volume.uid)
        do {
            try await ports.images.restoreFromTrash(image, as: volume.image.name)
        } catch let error as VolumeError where error.code == .notFound {
            // Whoever restores it was faster.
        }
    }

    /// Into the trash, where its data is deleted later, which may take hours, or is kept.
    private func discard(_ volume: VolumeRecord, id: String?) async throws {
        let removed = volume.trash.map { volume.keptImage(until: $0.until) } ?? volume.removedImage
        try await despiteFormerSelves {
            try await ports.images.moveToTrash(
                volume.image, id: id, as: removed.name, keepingUntil: volume.trash?.until)
        }
    }

    /// The record says for how long before anything happens to the image: whoever carries on gives it the same name.
    /// - Returns: as `remove`.
    private func beginToKeep(
        _ volume: VolumeRecord, over stored: StoredVolume, _ policy: RuntimeSettings?
    ) async throws -> Bool {
        let image = try await inspect(volume.image)
        try await refuseWatched(volume, image)
        var removing = volume
        removing.phase = .removing
        removing.trash = TrashRule.term(volume, policy: policy, by: me.node, at: ports.clock.wallTime())
        if let image, image.uid == volume.uid { removing.imageID = image.id }
        guard let begun = try await commit(.init(volume: .put(removing)), over: stored) else { return false }
        log.step("moving volume into the trash", stored.name, ["image": "\(volume.image)"])
        return try await moveToTrash(removing, image, policy, over: begun)
    }

    /// The image says itself all that the volume was, before it goes.
    /// - Parameter seen: what bore the volume's image name right before.
    private func moveToTrash(
        _ removing: VolumeRecord, _ seen: ImageDescription?, _ policy: RuntimeSettings?, over stored: StoredVolume
    ) async throws -> Bool {
        if let term = removing.trash, let seen, seen.uid == removing.uid {
            var volume = removing
            (volume.phase, volume.trash, volume.imageID) = (.ready, nil, seen.id)
            let values = policy ?? removing.policy.flatMap { ports.policies.runtime(of: $0) } ?? RuntimeSettings()
            try await ports.images.keep(
                KeptVolume(volume, term: term, policyValues: values), in: removing.image, id: seen.id)
        }
        return try await removeImages(removing, seen, over: stored)
    }
}

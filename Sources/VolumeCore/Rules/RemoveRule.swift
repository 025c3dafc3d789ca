/// What a Remove has to do, by what is recorded.
public enum RemoveStep: Sendable, Hashable {
    /// It is still mounted here, because an earlier Unmount found it busy, or because Docker never got to sending one:
    /// let go first. The kernel decides whether that succeeds.
    case detach(Attachment)
    /// Record that it is going.
    case begin(VolumeRecord)
    /// Record that it is going into the trash, to be kept there.
    case beginToKeep(VolumeRecord)
    /// That was recorded before: carry on.
    case carryOn(VolumeRecord)
    /// Its image stays as it is: only the record goes.
    case forget(VolumeRecord)
}

public enum RemoveRule {
    /// Docker asks for this only when none of its containers has the volume. Ids that are counted all the same are those
    /// of containers that ended with a crash of its daemon.
    /// - Parameters:
    ///   - attemptIsAlive: whether the node of a recorded, unfinished Create has a heartbeat.
    ///   - justMounted: whether a Mount was answered so recently that its container may not use it visibly yet.
    ///   - choice: what is to become of the image. One that is not finished holds nothing that could be kept.
    /// - Throws: `VolumeError`, `notFound`, `conflict` when the volume is protected, `inUse` naming the node that has it, or
    ///   `unfinished` while a live node is creating it, or somebody restores it.
    public static func decide(
        _ stored: StoredVolume, me: NodeIdentity, attemptIsAlive: Bool, justMounted: Bool, choice: OnRemove
    ) throws(VolumeError) -> RemoveStep {
        let what = "remove volume \(stored.name)"
        guard let volume = stored.volume?.record else {
            throw VolumeError.noSuchVolume(what)
        }
        if volume.isProtected, volume.phase == .ready {
            throw VolumeError(
                .conflict, what, why: "it is protected against removal",
                remedy: "an operator can lift the protection with 'rbd-plugin volume unprotect \(stored.name)'",
                outcome: .refused)
        }
        if volume.phase == .ready { try RequestRule.refuseWhileHeld(stored, what) }
        try SharedVolumeRule.refuseReaders(stored, what)
        // What an earlier boot of this node has left of a shared volume is gone.
        if let attachment = stored.attachment?.record, !volume.isShared || attachment.owner == me {
            if attachment.owner == me, attachment.state != .fencing, attachment.mountIDs.isEmpty || !justMounted {
                return .detach(attachment)
            }
            if volume.isShared { try SharedVolumeRule.refuse([attachment], what) }
            throw VolumeError.mountedOnNode(
                what, attachment,
                remedy: "stop the containers that use it there; if there are none, take it away with"
                    + " 'rbd-plugin mount release \(stored.name)'")
        }
        switch volume.phase {
        case .ready:
            return switch choice {
            case .delete: .begin(volume)
            case .trash: .beginToKeep(volume)
            case .keep: .forget(volume)
            }
        case .removing:
            guard volume.trash?.isReturning != true else {
                throw VolumeError(
                    .unfinished, what, why: "it is being restored from the trash",
                    remedy: "try again when that is done; 'rbd-plugin trash restore \(volume.uid)' finishes it, and"
                        + " otherwise a node does after ten minutes", outcome: .refused)
            }
            return .carryOn(volume)
        case .creating:
            if let attempt = volume.attempt, attempt.by.node != me.node, attemptIsAlive {
                throw VolumeError(
                    .unfinished, what, why: "node \(attempt.by.node) is creating it right now",
                    remedy: "try again when that is done", outcome: .refused)
            }
            return volume.keepsImage ? .forget(volume) : .begin(volume)
        }
    }
}

extension RemoveRule {
    /// Why the image cannot be removed: a snapshot would be lost that somebody has taken or holds, and what was cloned from it. What
    /// the plugin has taken by itself goes along.
    /// - Parameters:
    ///   - image: what bears the volume's image name; `nil` when nothing does.
    ///   - clones: what was made out of the image's snapshots, where that is known.
    ///   - scheduled: the names of those snapshots that the plugin has taken by itself and nobody holds, where that is known.
    public static func refusal(
        _ volume: VolumeRecord, _ image: ImageDescription?, clones: [String] = [], scheduled: Set<String> = []
    ) -> VolumeError? {
        guard let image, image.uid == volume.uid, !image.snapshots.isEmpty else { return nil }
        if !clones.isEmpty { return refusal(volume, clones: clones) }
        let others = image.snapshots.filter { !scheduled.contains($0) }
        if others.isEmpty { return nil }
        return VolumeError(
            .busy, "remove volume \(volume.name)", why: "its image \(volume.image) has snapshots: \(listed(others))",
            remedy:
                "remove them first ('rbd-plugin snapshot rm', 'rbd snap purge \(volume.image)'); make a clone of one"
                + " independent with 'rbd flatten CLONE'; or keep all of it in the trash:"
                + " 'rbd-plugin volume set \(volume.name) on-remove=trash'", outcome: .refused)
    }

    private static func refusal(_ volume: VolumeRecord, clones: [String]) -> VolumeError {
        return VolumeError(
            .busy, "remove volume \(volume.name)",
            why: "clones were made out of it that need its data: \(listed(clones))",
            remedy:
                "remove them first, or make each independent with 'rbd flatten CLONE'; what is in the trash goes by itself",
            outcome: .refused)
    }

    private static func listed(_ names: [String]) -> String {
        let shown = names.prefix(8).joined(separator: ", ")
        return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
    }

    /// The record of a volume whose removal was begun and cannot go on, as it is when the volume is to be used again.
    ///
    /// An image that has its name is whole: librbd takes the name from an image before it deletes anything of it, and not
    /// while there are snapshots.
    /// - Returns: `nil` when the image is not certain to be the one that was ready before.
    public static func returned(_ volume: VolumeRecord, to image: ImageDescription?) -> VolumeRecord? {
        guard volume.phase == .removing, volume.attempt == nil, let image, image.uid == volume.uid,
            image.id == volume.imageID
        else { return nil }
        var ready = volume
        ready.phase = .ready
        return ready
    }
}

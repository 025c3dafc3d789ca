/// What becomes of a volume that is removed, and of what the trash keeps.
public enum TrashRule {
    /// Who removes a volume gets what its own value says. An adopted image that is somebody's stays, whatever the policy says.
    /// - Parameter policy: the values of the volume's policy.
    public static func onRemove(_ volume: VolumeRecord, policy: RuntimeSettings?) -> OnRemove {
        if let own = volume.runtime.onRemove { return own }
        if volume.keepsImage { return .keep }
        return policy?.onRemove ?? .delete
    }

    /// Until when it is kept.
    public static func term(
        _ volume: VolumeRecord, policy: RuntimeSettings?, by node: String, at now: WallTime
    ) -> TrashTerm {
        let values = policy.map { volume.runtime.over($0) } ?? volume.runtime
        return TrashTerm(by: node, at: now, until: now + values.trashKeep)
    }

    /// Whether the time is up for which an image is kept. Nothing but the image itself says it.
    /// - Parameter time: by the clock of the node, and then by Ceph's: one alone may be wrong.
    public static func isDue(_ image: TrashedImage, at time: WallTime) -> Bool {
        guard let until = image.keptUntil else { return true }
        return time >= until
    }

    /// What a node does about an image whose time is up.
    public enum EmptyStep: Sendable, Hashable {
        /// Somebody restores it, or a record has it.
        case leave
        /// Ask Ceph's clock, and record that it goes.
        case claim
        /// That was recorded before: carry on.
        case carryOn
    }

    /// - Parameter stored: the records of the name that it had.
    public static func empty(_ image: TrashedImage, _ stored: StoredVolume) -> EmptyStep {
        if stored.volume?.record.uid == image.uid { return .leave }
        switch stored.trash?.record.claims[image.uid] {
        case nil: return .claim
        case let claim?: return claim.purpose == .emptying && claim.imageID == image.id ? .carryOn : .leave
        }
    }
}

// MARK: - Restoring

extension TrashRule {
    /// What a restore has to do, by what is recorded.
    public enum RestoreStep: Sendable, Hashable {
        /// Record that it comes back.
        case begin
        /// That was recorded before: carry on.
        case carryOn(VolumeRecord)
        /// A record has it as a ready volume already: only its image may have to come back.
        case giveBack(VolumeRecord)
    }

    /// - Parameters:
    ///   - image: what is to be restored.
    ///   - origin: the records of the name that it had.
    ///   - target: the records of the name that it is to have; the same, unless another name was given.
    /// - Throws: `VolumeError`: `conflict` when somebody deletes it, or restores it under another name; `alreadyExists` when the
    ///   name is another volume's.
    public static func restore(
        _ image: TrashedImage, from origin: StoredVolume, to target: StoredVolume
    ) throws(VolumeError) -> RestoreStep {
        let what = "restore volume \(target.name) from the trash"
        if let claim = origin.trash?.record.claims[image.uid] {
            if claim.purpose == .emptying {
                throw VolumeError(
                    .conflict, what, why: "its data is being deleted (by \(claim.by), since \(claim.since))",
                    outcome: .refused)
            }
            if let name = claim.name, name != target.name {
                throw VolumeError(
                    .conflict, what,
                    why: "\(claim.by) has begun to restore it as \(name) (\(claim.since))",
                    remedy: "'rbd-plugin trash restore \(image.uid) --as \(name)' finishes that", outcome: .refused)
            }
        }
        guard let volume = target.volume?.record else { return .begin }
        guard volume.uid == image.uid else {
            throw nameTaken(what, "there is a volume of that name")
        }
        switch volume.phase {
        case .removing: return .carryOn(volume)
        case .ready: return .giveBack(volume)
        case .creating: throw VolumeError(.conflict, what, why: "its creation is not finished", outcome: .refused)
        }
    }

    /// - Throws: `VolumeError` with code `alreadyExists` for another image of that name.
    public static func refuseTaken(
        _ target: ImageReference, by found: ImageDescription?, for image: TrashedImage
    ) throws(VolumeError) {
        guard let found, found.id != image.id else { return }
        throw nameTaken("restore volume \(target.name) from the trash", "there is an image \(target) (id \(found.id))")
    }

    private static func nameTaken(_ what: String, _ why: String) -> VolumeError {
        VolumeError(
            .alreadyExists, what, why: why, remedy: "give it another name with '--as NAME'", outcome: .refused)
    }
}

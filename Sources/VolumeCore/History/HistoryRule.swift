/// Reads off a change of the records what it means for people.
///
/// The store asks this of every change that it writes. So no operation can forget its entry; it only adds why it made the change
/// (`StoreChange.why`).
public enum HistoryRule {
    /// - Parameter read: what the change is made over.
    /// - Returns: `nil` for changes that are means to an end, such as a claim, a count of users or a mark of a schedule.
    public static func step(_ change: StoreChange, over read: StoredVolume) -> HistoryStep? {
        let after = change.applied(to: read, at: read.revision)
        var step =
            ofVolume(read.volume?.record, after.volume?.record)
            ?? ofOwner(read.attachment?.record, after.attachment?.record)
            ?? ofReaders(read.readers?.record, after.readers?.record)
            ?? ofRequest(read.request?.record, after.request?.record)
            ?? ofSize(read.desired?.record, after.desired?.record)
            ?? ofTrash(read.trash?.record, after.trash?.record)
        if let why = change.why { step?.why = why }
        return step
    }

    // MARK: The volume

    private static func ofVolume(_ before: VolumeRecord?, _ after: VolumeRecord?) -> HistoryStep? {
        switch (before, after) {
        case (nil, nil): nil
        case (nil, let after?): begun(after)
        case (let before?, nil): ended(before)
        case (let before?, let after?): before.uid == after.uid ? turned(before, after) : begun(after)
        }
    }

    private static func begun(_ volume: VolumeRecord) -> HistoryStep? {
        switch volume.phase {
        case .creating: nil
        case .ready: made(volume)
        case .removing: volume.trash?.isReturning == true ? HistoryStep(.restoring, uid: volume.uid) : nil
        }
    }

    private static func made(_ volume: VolumeRecord) -> HistoryStep {
        let event: HistoryEvent = volume.adopted ? .adopted : .created
        let parent = volume.clonedFrom.map { "\($0.volume)@\($0.snapshot)" }
        return HistoryStep(event, uid: volume.uid, from: parent, to: "\(volume.spec.size)")
    }

    private static func ended(_ volume: VolumeRecord) -> HistoryStep {
        switch (volume.phase, volume.trash) {
        case (.creating, _): HistoryStep(.creationUndone, uid: volume.uid)
        case (.ready, _): HistoryStep(.forgotten, uid: volume.uid)
        case (.removing, nil): HistoryStep(.removed, uid: volume.uid)
        case (.removing, let term?): HistoryStep(.trashed, uid: volume.uid, to: "\(term.until)")
        }
    }

    private static func turned(_ before: VolumeRecord, _ after: VolumeRecord) -> HistoryStep? {
        let isReturning = after.trash?.isReturning == true
        switch (before.phase, after.phase) {
        case (.creating, .ready): return made(after)
        case (.ready, .removing): return HistoryStep(.removing, uid: after.uid)
        case (.removing, .removing):
            return isReturning && before.trash?.isReturning != true ? HistoryStep(.restoring, uid: after.uid) : nil
        case (.removing, .ready):
            return HistoryStep(before.trash?.isReturning == true ? .restored : .removalUndone, uid: after.uid)
        case (.ready, .ready): return changed(before, after)
        default: return nil
        }
    }

    private static func changed(_ before: VolumeRecord, _ after: VolumeRecord) -> HistoryStep? {
        func step(_ event: HistoryEvent, _ before: String?, _ after: String?) -> HistoryStep {
            HistoryStep(event, uid: nil, from: before, to: after)
        }
        var found: HistoryStep?
        if before.spec.size != after.spec.size {
            found = step(.resized, "\(before.spec.size)", "\(after.spec.size)")
        } else if before.policy != after.policy {
            found = step(.policySet, before.policy?.text, after.policy?.text)
        } else if before.runtime != after.runtime {
            found = step(.valuesSet, "\(before.runtime)", "\(after.runtime)")
        } else if before.isProtected != after.isProtected {
            found = step(after.isProtected ? .protected : .unprotected, nil, nil)
        }
        found?.uid = after.uid
        return found
    }

    // MARK: Who has it

    private static func ofOwner(_ before: Attachment?, _ after: Attachment?) -> HistoryStep? {
        switch (before, after) {
        case (nil, nil), (nil, _?): nil
        case (let before?, nil): letGo(before)
        case (let before?, let after?): before.epoch == after.epoch ? went(before, after) : taken(before, after)
        }
    }

    /// From whom it was when nobody had begun to take it yet: a take-over may itself have been taken over.
    private static func former(_ attachment: Attachment) -> String {
        (attachment.fenced?.owner ?? attachment.owner).node
    }

    private static func taken(_ before: Attachment, _ after: Attachment) -> HistoryStep {
        HistoryStep(
            .takingOver, uid: after.volumeUID, from: former(before), to: after.owner.node, epoch: after.epoch)
    }

    private static func letGo(_ before: Attachment) -> HistoryStep {
        let uid = before.volumeUID
        return switch before.state {
        case .fencing: HistoryStep(.released, uid: uid, from: former(before), epoch: before.epoch)
        case .attaching: HistoryStep(.mountUndone, uid: uid, epoch: before.epoch)
        case .attached, .detaching: HistoryStep(.unmounted, uid: uid, epoch: before.epoch)
        }
    }

    private static func went(_ before: Attachment, _ after: Attachment) -> HistoryStep? {
        func step(_ event: HistoryEvent, from: String? = nil, why: String? = nil) -> HistoryStep {
            HistoryStep(event, uid: after.volumeUID, from: from, to: after.owner.node, epoch: after.epoch, why: why)
        }
        switch (before.state, after.state) {
        case (.fencing, .attaching): return step(.takenOver, from: former(before))
        case (.attaching, .attached): return step(.mounted)
        case (.detaching, .attached): return step(.stayedMounted)
        case (.attached, .attached):
            guard let reason = after.growthReason, before.growthReason == nil else { return nil }
            return step(.growthFailed, why: reason)
        default: return nil
        }
    }

    /// Of one reader: a node writes to its own entry alone. No reader takes a volume from anybody.
    private static func ofReaders(_ before: Readers?, _ after: Readers?) -> HistoryStep? {
        let nodes = Set((before?.all ?? []) + (after?.all ?? [])).map(\.owner.node).sorted()
        return nodes.lazy.compactMap { ofReader(before?[$0], after?[$0]) }.first
    }

    private static func ofReader(_ before: Attachment?, _ after: Attachment?) -> HistoryStep? {
        guard let before else { return nil }
        guard let after else { return letGo(before) }
        return before.owner == after.owner ? went(before, after) : nil
    }

    // MARK: What was asked for

    private static func ofRequest(_ before: WorkRequest?, _ after: WorkRequest?) -> HistoryStep? {
        guard let request = after ?? before, case .rollBack(_, let snapshot) = request.work else { return nil }
        func step(_ event: HistoryEvent, why: String? = nil) -> HistoryStep {
            HistoryStep(event, uid: request.volumeUID, to: snapshot, why: why)
        }
        guard after != nil else { return request.isUnfinished ? step(.rollbackWithdrawn) : nil }
        guard before?.token == request.token else { return step(.rollbackAsked) }
        guard before?.state != request.state else { return nil }
        switch request.state {
        case .done: return step(.rolledBack)
        case .failed: return step(.rollbackFailed, why: request.result)
        case .waiting, .running: return nil
        }
    }

    private static func ofSize(_ before: DesiredState?, _ after: DesiredState?) -> HistoryStep? {
        guard let after, let size = after.size, size != before?.size else { return nil }
        return HistoryStep(.resizeAsked, uid: after.volumeUID, to: "\(size)")
    }

    private static func ofTrash(_ before: TrashClaims?, _ after: TrashClaims?) -> HistoryStep? {
        let new = (after?.claims ?? [:]).filter { before?.claims[$0.key]?.token != $0.value.token }
        guard let (uid, claim) = new.first, claim.purpose == .emptying else { return nil }
        return HistoryStep(.deletingFromTrash, uid: uid)
    }
}

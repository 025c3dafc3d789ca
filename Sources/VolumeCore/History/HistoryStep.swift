/// What a change of the records means for people.
public enum HistoryEvent: String, Sendable, Hashable, CaseIterable {
    // The volume.
    case created, adopted
    case creationUndone = "creation-undone"
    case removing, removed, trashed, forgotten
    case removalUndone = "removal-undone"
    case restoring, restored
    case deletingFromTrash = "deleting-from-trash"
    // Who has it.
    case takingOver = "taking-over"
    case takenOver = "taken-over"
    case released, mounted
    case mountUndone = "mount-undone"
    case stayedMounted = "stayed-mounted"
    case unmounted
    // What it is.
    case resizeAsked = "resize-asked"
    case resized
    case growthFailed = "growth-failed"
    case rollbackAsked = "rollback-asked"
    case rolledBack = "rolled-back"
    case rollbackFailed = "rollback-failed"
    case rollbackWithdrawn = "rollback-withdrawn"
    case valuesSet = "values-set"
    case policySet = "policy-set"
    case protected, unprotected
}

/// One step in the life of a volume, as the records tell it. Who took it and when is added by the store that writes it.
public struct HistoryStep: Sendable, Hashable {
    public var event: HistoryEvent
    /// Of the incarnation of the volume.
    public var uid: String?
    /// What it was before, or whom it was taken from.
    public var from: String?
    /// What it is from then on.
    public var to: String?
    /// Of the owner from then on.
    public var epoch: Epoch?
    public var why: String?

    public init(
        _ event: HistoryEvent, uid: String?, from: String? = nil, to: String? = nil, epoch: Epoch? = nil,
        why: String? = nil
    ) {
        self.event = event
        self.uid = uid
        self.from = from
        self.to = to
        self.epoch = epoch
        self.why = why
    }
}

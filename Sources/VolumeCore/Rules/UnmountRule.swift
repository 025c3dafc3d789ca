/// What an Unmount has to do, by what is recorded.
public enum UnmountStep: Sendable, Hashable {
    /// This boot of this node does not have the volume: there is nothing to undo.
    case nothing
    /// Other ids still have it.
    case uncount(Attachment)
    /// The last id is gone.
    case detach(Attachment)
}

public enum UnmountRule {
    public static func decide(_ stored: StoredVolume, mountID: String, me: NodeIdentity) -> UnmountStep {
        guard let attachment = stored.attachment?.record, attachment.owner == me, attachment.state != .fencing else {
            return .nothing
        }
        let uncounted = attachment.uncounting(mountID)
        if uncounted.mountIDs.isEmpty { return .detach(uncounted) }
        return uncounted == attachment ? .nothing : .uncount(uncounted)
    }
}

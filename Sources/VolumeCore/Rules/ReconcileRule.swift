/// What a running plugin does, now and then and when asked, about a mount that it has.
public enum ReconcileStep: Sendable, Hashable {
    case nothing
    /// Nobody counts as a user, or another node asks and it is not just being handed to a container: try to let go. The
    /// kernel decides whether that succeeds.
    case detach
    /// A take-over of this node was left half-way: raise the fence, then give the volume free.
    case finishFence
    /// It was mounted a moment ago, and Docker may not have bound it into the container yet: say no to who asks.
    case decline
}

public enum ReconcileRule {
    /// Decides for a volume that no operation of this plugin is at work on: what is not wholly attached is left over.
    /// - Parameter justMounted: whether a Mount was answered so recently that its container may not use it visibly yet.
    public static func decide(_ attachment: Attachment, me: NodeIdentity, justMounted: Bool) -> ReconcileStep {
        guard attachment.owner == me else { return .nothing }
        switch attachment.state {
        case .fencing: return .finishFence
        case .attaching, .detaching: return .detach
        case .attached: break
        }
        if attachment.mountIDs.isEmpty { return .detach }
        guard attachment.wantedBy != nil else { return .nothing }
        return justMounted ? .decline : .detach
    }
}

/// What a starting plugin does about a mount that etcd ascribes to its node.
public enum RecoveryStep: Sendable, Hashable {
    case nothing
    /// It is mounted and in use: it stays as it is.
    case adopt
    /// Half done, or counted by nobody: unmount and unmap it, unless something uses it.
    case detach
    /// Of an earlier boot: nothing is mapped any more. Its client is shut out all the same, in case another host goes
    /// by the same name; then the record goes.
    case clear
}

public enum RecoveryRule {
    public static func decide(_ attachment: Attachment, me: NodeIdentity, mountedHere: Bool) -> RecoveryStep {
        guard attachment.owner.node == me.node, attachment.state != .fencing else { return .nothing }
        guard attachment.owner == me else { return .clear }
        switch attachment.state {
        case .attached:
            if attachment.mountIDs.isEmpty { return .detach }
            // Not mounted, but counted: containers may hold it in namespaces of their own. The next Mount attaches anew.
            return mountedHere ? .adopt : .nothing
        case .attaching, .detaching: return .detach
        case .fencing: return .nothing
        }
    }
}

/// What a Remove has to do, by what is recorded.
public enum RemoveStep: Sendable, Hashable {
    /// It is still mounted here, because an earlier Unmount found it busy, or because Docker never got to sending one:
    /// let go first. The kernel decides whether that succeeds.
    case detach(Attachment)
    /// Record that it is going.
    case begin(VolumeRecord)
    /// That was recorded before: carry on.
    case carryOn(VolumeRecord)
}

public enum RemoveRule {
    /// Docker asks for this only when none of its containers has the volume. Ids that are counted all the same are those
    /// of containers that ended with a crash of its daemon.
    /// - Parameters:
    ///   - attemptIsAlive: whether the node of a recorded, unfinished Create has a heartbeat.
    ///   - justMounted: whether a Mount was answered so recently that its container may not use it visibly yet.
    /// - Throws: `VolumeError`, `notFound`, `inUse` naming the node that has it, or `unfinished` while a live node is
    ///   creating it.
    public static func decide(
        _ stored: StoredVolume, me: NodeIdentity, attemptIsAlive: Bool, justMounted: Bool
    ) throws(VolumeError) -> RemoveStep {
        let what = "remove volume \(stored.name)"
        guard let volume = stored.volume?.record else {
            throw VolumeError(.notFound, what, why: "there is no such volume", outcome: .refused)
        }
        if let attachment = stored.attachment?.record {
            if attachment.owner == me, attachment.state != .fencing, attachment.mountIDs.isEmpty || !justMounted {
                return .detach(attachment)
            }
            throw VolumeError(
                .inUse, what, why: "node \(attachment.owner.node) has had it mounted since \(attachment.since)",
                remedy: "stop the containers that use it there; if there are none, take it away with"
                    + " 'rbd-plugin mount release \(stored.name)'", outcome: .refused)
        }
        switch volume.phase {
        case .ready: return .begin(volume)
        case .removing: return .carryOn(volume)
        case .creating:
            if let attempt = volume.attempt, attempt.by.node != me.node, attemptIsAlive {
                throw VolumeError(
                    .unfinished, what, why: "node \(attempt.by.node) is just creating it",
                    remedy: "try again when that is done", outcome: .refused)
            }
            return .begin(volume)
        }
    }
}

/// What a Mount has to do, by what is recorded and what this node's kernel says.
public enum MountStep: Sendable, Hashable {
    /// It is mounted here: count the id.
    case count
    /// Nobody has it: claim it.
    case attach
    /// It is this boot's, but not mounted as recorded (the plugin was killed half-way, or the mount was torn down).
    case reattach
    /// A live node has it, or is just taking it over.
    case wait(for: NodeIdentity)
    /// Its owner is this node before a reboot, or a node without a heartbeat: shut that client out, then claim.
    case takeOver
}

public enum MountRule {
    /// - Parameters:
    ///   - mountedHere: whether this node's kernel has the volume's own device mounted at its mountpoint, and the mapping lives.
    ///   - ownerIsAlive: whether the recorded owner has a heartbeat; asked only for other nodes.
    /// - Throws: `VolumeError`, `notFound`, or `unfinished` for a volume that is not `ready`, or that a request holds.
    public static func decide(
        _ stored: StoredVolume, me: NodeIdentity, mountedHere: Bool, ownerIsAlive: Bool
    ) throws(VolumeError) -> MountStep {
        let volume = try readyVolume(stored)
        try RequestRule.refuseWhileHeld(stored, "mount volume \(stored.name)")
        try SharedVolumeRule.refuseReaders(stored, "mount volume \(stored.name)")
        if volume.isShared { return SharedVolumeRule.mount(stored, me: me, mountedHere: mountedHere) }
        guard let attachment = stored.attachment?.record else { return .attach }
        guard attachment.volumeUID == volume.uid else {
            throw VolumeError(
                .unexplained, "mount volume \(stored.name)",
                why: "the record of its mount belongs to another volume of that name, on node \(attachment.owner.node)",
                remedy: "make sure that nothing uses it there, then remove the etcd key mounts/\(stored.name)",
                outcome: .refused)
        }
        if attachment.owner == me {
            if attachment.state == .fencing { return .takeOver }
            return attachment.state == .attached && mountedHere ? .count : .reattach
        }
        if attachment.owner.node == me.node { return .takeOver }
        return ownerIsAlive ? .wait(for: attachment.owner) : .takeOver
    }

    private static func readyVolume(_ stored: StoredVolume) throws(VolumeError) -> VolumeRecord {
        let what = "mount volume \(stored.name)"
        guard let volume = stored.volume?.record else {
            throw VolumeError.noSuchVolume(what, remedy: "create it first")
        }
        switch volume.phase {
        case .ready: return volume
        case .creating:
            throw VolumeError(
                .unfinished, what, why: "its creation is not finished",
                remedy: "create it again with the same options to finish it", outcome: .refused)
        case .removing:
            throw VolumeError(
                .unfinished, what, why: "it is being removed",
                remedy: "finish that with 'docker volume rm \(stored.name)'", outcome: .refused)
        }
    }

    /// The answer when the wait for a live owner was in vain.
    public static func refusal(_ stored: StoredVolume) -> VolumeError {
        let owner = stored.attachment?.record
        return VolumeError(
            .ownedElsewhere, "mount volume \(stored.name)",
            why: "node \(owner?.owner.node ?? "?") has had it mounted since \(owner?.since ?? "?") and is alive",
            remedy: "stop the container that uses it there", outcome: .refused)
    }
}

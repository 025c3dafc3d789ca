/// What a Create has to do, by what is recorded.
public enum CreateStep: Sendable, Hashable {
    /// The volume is there, and is what was asked for.
    case finished
    /// Nothing is recorded.
    case begin
    /// An attempt was begun and given up: make a new one under the same uid.
    case carryOn(VolumeRecord)
    /// A live node is at it.
    case wait(for: NodeIdentity)
}

public enum CreateRule {
    /// - Parameter attemptIsAlive: whether the node of the recorded attempt has a heartbeat; asked only for other nodes.
    /// - Throws: `VolumeError`, `alreadyExists` for a volume that is otherwise than asked for, `unfinished` for one
    ///   that is being removed.
    public static func decide(
        _ name: VolumeName, recorded: VolumeRecord?, request: VolumeRequest, me: NodeIdentity, attemptIsAlive: Bool
    ) throws(VolumeError) -> CreateStep {
        guard let recorded else { return .begin }
        guard recorded.name.given == name.given else {
            throw VolumeError(
                .alreadyExists, "create volume \(name.given)",
                why: "its image would be \(name), and that is the image of volume \(recorded.name.given)",
                remedy: "use that volume, or another name", outcome: .refused)
        }
        if let (option, has) = request.contradiction(to: recorded) {
            throw VolumeError(
                .alreadyExists, "create volume \(name)",
                why: "it exists with \(option.rawValue)=\(has.isEmpty ? "(none)" : has)",
                remedy: "use another name, or leave the option out to use the volume as it is"
                    + (option == .size ? "; 'rbd-plugin volume resize \(name) SIZE' makes it larger" : ""),
                outcome: .refused)
        }
        switch recorded.phase {
        case .ready: return .finished
        case .removing:
            throw VolumeError(
                .unfinished, "create volume \(name)", why: "a volume of that name is still being removed",
                remedy: "finish that with 'docker volume rm \(name)', then create it", outcome: .refused)
        case .creating:
            guard let attempt = recorded.attempt, attempt.by.node != me.node, attemptIsAlive else {
                return .carryOn(recorded)
            }
            return .wait(for: attempt.by)
        }
    }
}

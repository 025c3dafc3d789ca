/// Which values hold of a volume while it is in use: its own before those of its policy.
public enum RuntimeRule {
    /// What is wanted of the volume now.
    /// - Parameter policy: the values of its policy; `nil` when they are not known.
    /// - Returns: `nil` while the policy of the volume is not known: then what is in force stays in force.
    public static func wanted(_ volume: VolumeRecord, policy: RuntimeSettings?) -> RuntimeSettings? {
        guard volume.policy != nil else { return volume.runtime }
        return policy.map { volume.runtime.over($0) }
    }

    /// Whether a node that has the volume mounted has something to do about its values. Limits are looked after for as long as
    /// there are some: a control group may have come up that does not have them yet.
    public static func needsCare(_ force: ValuesInForce, wanted: RuntimeSettings) -> Bool {
        wanted != force.values || force.reason != nil || wanted.limits != .none
    }

    /// Where a value comes from.
    public enum Source: Sendable, Hashable {
        case volume
        case policy(PolicyName)
    }

    /// Where the value of an option comes from; `nil` when it is not set.
    public static func source(
        of option: RuntimeOption, _ volume: VolumeRecord, policy: RuntimeSettings?
    ) -> Source? {
        if volume.runtime[option] != nil { return .volume }
        guard let name = volume.policy, policy?[option] != nil else { return nil }
        return .policy(name)
    }

    /// What an operator's change makes of the record: a write beside the plugins (`OperatorWriteRule`).
    /// - Parameters:
    ///   - changes: the new values; `nil` for one that the policy shall decide from now on.
    ///   - policy: the values of the volume's policy.
    /// - Returns: the record to write; `nil` when nothing changes.
    /// - Throws: `VolumeError`: `notFound`; `invalidOption` for a value that cannot be, or that contradicts another; `conflict`
    ///   while the volume is being created, mounted, unmounted or removed.
    public static func change(
        _ changes: [RuntimeOption: String?], of stored: StoredVolume, policy: RuntimeSettings?
    ) throws(VolumeError) -> VolumeRecord? {
        let what = "set values of volume \(stored.name)"
        guard var volume = stored.volume?.record else { throw VolumeError.noSuchVolume(what) }
        for option in RuntimeOption.allCases {
            switch changes[option] {
            case .none: continue
            case .some(.none): volume.runtime.unset(option)
            case .some(.some(let text)): try volume.runtime.set(option, text)
            }
        }
        if let contradiction = (wanted(volume, policy: policy) ?? volume.runtime).contradiction {
            throw VolumeError(
                .invalidOption, what, why: contradiction, remedy: "change both values, or give 'none' for one of them",
                outcome: .refused)
        }
        try OperatorWriteRule.refuseUnlessReady(volume, what)
        if volume == stored.volume?.record { return nil }
        try OperatorWriteRule.refuseWhileUnderWay(stored, what)
        return volume
    }
}

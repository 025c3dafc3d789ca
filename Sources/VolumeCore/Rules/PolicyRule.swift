/// What becomes of the volumes of a policy when an administrator removes it.
public enum PolicyRule {
    /// Whether the volume is bound to the policy. One that is being removed is as well: it may come back, or go on being used when its
    /// removal cannot go on.
    public static func follows(_ stored: StoredVolume, _ policy: PolicyName) -> Bool {
        stored.volume?.record.policy == policy
    }

    /// Makes what the policy says the volume's own: it keeps what it has. A write beside the plugins (`OperatorWriteRule`).
    /// - Returns: the record to write; `nil` when the volume does not follow the policy.
    /// - Throws: `VolumeError` with code `conflict` while the volume is being created, mounted or unmounted.
    public static func detach(
        _ stored: StoredVolume, from name: PolicyName, _ policy: Policy
    ) throws(VolumeError) -> VolumeRecord? {
        guard follows(stored, name), var volume = stored.volume?.record else { return nil }
        let what = "let volume \(stored.name) keep what policy \(name) says"
        try OperatorWriteRule.refuseUnlessReady(volume, what)
        try OperatorWriteRule.refuseWhileUnderWay(stored, what)
        volume.runtime = volume.runtime.over(policy.runtime)
        volume.policy = nil
        return volume
    }
}

/// What the volumes of a policy may have in sum.
///
/// The sum is nowhere recorded: it is what the records of the volumes say, so that no crash can falsify it. Who adds to it marks
/// the policy in the same transaction (`VolumeStore.commit`). So of several nodes that find room at the same time only one
/// adds, and the others look again (`QuotaGuard`).
public enum QuotaRule {
    /// What a volume counts for: the size that it has, or is to have. One that is not finished counts, and so does one that is not
    /// gone yet.
    /// - Returns: `nil` where there is no volume.
    public static func counted(_ stored: StoredVolume) -> VolumeSize? {
        stored.volume.map { max($0.record.spec.size, GrowthRule.wanted(stored) ?? $0.record.spec.size) }
    }

    /// The policy whose volumes have more in sum once the change is made; `nil` for most changes.
    public static func policy(addedToBy change: StoreChange, over read: StoredVolume) -> PolicyName? {
        let next = change.applied(to: read, at: read.revision)
        guard let policy = next.volume?.record.policy, let size = counted(next) else { return nil }
        let isNew = read.volume?.record.policy != policy || read.volume?.record.uid != next.volume?.record.uid
        guard !isNew, let before = counted(read), size <= before else { return policy }
        return nil
    }

    /// What the volumes of a policy have in sum, in bytes.
    /// - Parameters:
    ///   - name: a volume that is left out.
    ///   - counted: what each volume counts for.
    public static func sum(
        of policy: PolicyName, in volumes: [StoredVolume], besides name: VolumeName? = nil,
        counted: (StoredVolume) -> VolumeSize? = { counted($0) }
    ) -> UInt64 {
        volumes.reduce(0) { sum, stored in
            guard stored.volume?.record.policy == policy, stored.name != name, let size = counted(stored) else {
                return sum
            }
            let (next, overflows) = sum.addingReportingOverflow(size.bytes)
            return overflows ? .max : next
        }
    }

    /// Whether a volume may count for that much.
    /// - Parameters:
    ///   - others: what the other volumes of the policy have in sum, in bytes.
    ///   - what: what would be done: `resize volume db to 40G`.
    /// - Throws: `VolumeError` with code `noSpace`, which names the policy, its limit, what is in use and what was asked for.
    public static func check(
        _ size: VolumeSize, beside others: UInt64, _ policy: NamedPolicy, _ what: String
    ) throws(VolumeError) {
        guard let most = policy.policy.create.maxTotal else { return }
        let (sum, overflows) = others.addingReportingOverflow(size.bytes)
        guard overflows || sum > most.bytes else { return }
        throw VolumeError(
            .noSpace, what,
            why: "policy \(policy.name) allows its volumes \(most) in sum; the others have"
                + " \(VolumeSize(bytes: others)), and this one would have \(size)",
            remedy: "give a smaller size, remove volumes of the policy, or ask an operator to raise"
                + " \(PolicyCreate.maxTotalName) of the policy",
            outcome: .refused)
    }
}

/// What must still hold when a volume begins to count for more under its policy: else it was decided upon by what is true no more.
public struct QuotaGuard: Sendable, Hashable {
    public let policy: PolicyName
    /// That of the policy as it was read.
    public let policyRevision: Int64
    /// That of all records as they were read: since then nobody has added to what the policy's volumes have in sum. `nil` where
    /// nothing bounds it.
    public let recordsRevision: Int64?

    public init(policy: PolicyName, policyRevision: Int64, recordsRevision: Int64?) {
        self.policy = policy
        self.policyRevision = policyRevision
        self.recordsRevision = recordsRevision
    }
}

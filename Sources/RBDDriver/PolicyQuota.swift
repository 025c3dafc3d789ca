import VolumeCore

/// Keeps what the volumes of a policy have in sum within what the policy allows, also where several nodes add to it at once.
struct PolicyQuota {
    let store: any VolumeStore
    let policies: any PolicyStore
    let rules: DriverRules

    /// Makes a change by which a volume counts for more under its policy: if there is room.
    /// - Parameters:
    ///   - size: what the volume counts for then.
    ///   - policy: as it was read for this change; without one nothing bounds it.
    ///   - what: what is done: `create volume db`.
    /// - Returns: what is stored then; `nil` when the records of the volume or the policy have changed meanwhile: decide again.
    /// - Throws: `VolumeError` with code `noSpace` when there is no room.
    func commit(
        _ change: StoreChange, over stored: StoredVolume, counting size: VolumeSize, under policy: NamedPolicy?,
        _ what: String
    ) async throws -> StoredVolume? {
        guard let policy else { return try await store.commit(change, over: stored) }
        while true {
            let quota = try await quota(size, of: stored, policy, what)
            if let written = try await store.commit(change, over: stored, within: quota) { return written }
            // Where it was another volume that was added: somebody has got on, and there may be room for this one too.
            guard quota.recordsRevision != nil, try await store.read(stored.name).hasSameRecords(as: stored),
                try await policies.read(policy.name)?.revision == policy.revision
            else { return nil }
        }
    }

    private func quota(
        _ size: VolumeSize, of stored: StoredVolume, _ policy: NamedPolicy, _ what: String
    ) async throws -> QuotaGuard {
        let counts = rules.counted(stored) ?? VolumeSize(bytes: 0)
        let isMore = size > counts || stored.volume?.record.policy != policy.name
        guard policy.policy.create.maxTotal != nil, isMore else {
            return QuotaGuard(policy: policy.name, policyRevision: policy.revision, recordsRevision: nil)
        }
        let all = try await store.readAtOnce()
        let others = QuotaRule.sum(of: policy.name, in: all.volumes, besides: stored.name, counted: rules.counted)
        try QuotaRule.check(size, beside: others, policy, what)
        return QuotaGuard(policy: policy.name, policyRevision: policy.revision, recordsRevision: all.revision)
    }
}

extension VolumeDriver {
    /// As `PolicyQuota.commit`, and lets this node's copy know.
    func commit(
        _ change: StoreChange, over stored: StoredVolume, counting size: VolumeSize, under policy: NamedPolicy?,
        _ what: String
    ) async throws -> StoredVolume? {
        let quota = PolicyQuota(store: ports.store, policies: ports.policyStore, rules: rules)
        let written = try await quota.commit(change, over: stored, counting: size, under: policy, what)
        if let written { ports.catalog.observe(written) }
        return written
    }
}

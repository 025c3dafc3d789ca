import VolumeCore

/// The keys of all volumes, with etcd's revisions.
public struct SimulatedEtcd: Sendable {
    /// Grows with every transaction that writes; never goes back.
    public private(set) var revision: Int64 = 1
    private var stored: [VolumeName: StoredVolume] = [:]

    public var volumes: [VolumeName: Revisioned<VolumeRecord>] { stored.compactMapValues(\.volume) }
    public var attachments: [VolumeName: Revisioned<Attachment>] { stored.compactMapValues(\.attachment) }
    public var readers: [VolumeName: Revisioned<Readers>] { stored.compactMapValues(\.readers) }
    public var requests: [VolumeName: Revisioned<WorkRequest>] { stored.compactMapValues(\.request) }
    public var desired: [VolumeName: Revisioned<DesiredState>] { stored.compactMapValues(\.desired) }

    /// Who is at what the trash keeps of volumes of a name.
    public var trash: [VolumeName: Revisioned<TrashClaims>] { stored.compactMapValues(\.trash) }

    /// The request that last wrote to a name, and what it made: a record carries the id of the request that wrote it,
    /// so that a repetition is recognised as done.
    private var lastWrites: [VolumeName: (request: Int, stored: StoredVolume)] = [:]

    public private(set) var policies: [PolicyName: Revisioned<Policy>] = [:]
    /// The request that last wrote to a policy, and what it answered.
    private var lastPolicyWrites: [PolicyName: (request: Int, stored: Revisioned<Policy>?)] = [:]

    /// When somebody last added to what the volumes of a policy have in sum.
    private var quotaMarks: [PolicyName: Int64] = [:]

    /// What the stores of nodes have told people, each with the revision of its change.
    public private(set) var history: [(revision: Int64, entry: HistoryEntry)] = []
    /// What nodes have done that nobody may keep to himself, as the records show it, whatever the history tells.
    public private(set) var turns: [HistoryTurn] = []

    public init() {}

    /// The records of a name.
    public func read(_ name: VolumeName) -> StoredVolume {
        var found = stored[name] ?? StoredVolume(name: name, revision: revision)
        found.revision = revision
        return found
    }

    /// Every name that has a record, in order.
    public func readAll() -> [StoredVolume] { stored.keys.sorted().map(read) }

    /// One transaction over the keys of a name, guarded with the revisions of all of them.
    /// - Returns: `nil` when a guard did not hold; nothing was written then.
    public mutating func commit(
        _ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard? = nil, request: Int,
        telling entry: HistoryEntry? = nil, isByNode: Bool = false
    ) -> StoredVolume? {
        let name = read.name
        if let last = lastWrites[name], last.request == request { return last.stored }
        let current = self.read(name)
        guard RecordKind.allCases.allSatisfy({ $0.slot.revision(current) == $0.slot.revision(read) }) else {
            return nil
        }
        if let quota, !holds(quota) { return nil }
        if !change.changesNothing(of: current) { revision += 1 }
        if let policy = QuotaRule.policy(addedToBy: change, over: current) { quotaMarks[policy] = revision }
        let next = change.applied(to: current, at: revision)
        stored[name] = next.isAbsent ? nil : next
        lastWrites[name] = (request, next)
        if let entry { history.append((revision, entry)) }
        if isByNode, let turn = HistoryTurn(from: current, to: next, at: revision) { turns.append(turn) }
        return next
    }

    /// Adds to the history what belongs to no transaction.
    public mutating func tell(_ entry: HistoryEntry) {
        revision += 1
        history.append((revision, entry))
    }

    private func holds(_ quota: QuotaGuard) -> Bool {
        guard policies[quota.policy]?.revision == quota.policyRevision else { return false }
        return quota.recordsRevision.map { quotaMarks[quota.policy, default: 0] <= $0 } ?? true
    }

    /// Puts a policy, or deletes it with `nil`, guarded with the revision of what was read.
    /// - Returns: whether the guard held; nothing was written else.
    public mutating func write(
        _ policy: Policy?, as name: PolicyName, over read: Int64?, request: Int
    ) -> (isDone: Bool, stored: Revisioned<Policy>?) {
        if let last = lastPolicyWrites[name], last.request == request { return (true, last.stored) }
        guard policies[name]?.revision == read else { return (false, nil) }
        revision += 1
        policies[name] = policy.map { Revisioned($0, revision: revision) }
        if policy == nil { quotaMarks[name] = nil }
        lastPolicyWrites[name] = (request, policies[name])
        return (true, policies[name])
    }
}

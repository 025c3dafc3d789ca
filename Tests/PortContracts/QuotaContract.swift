import Testing
import VolumeCore

/// What every `VolumeStore` promises of the volumes of a policy, beside the `PolicyStore` over the same keys.
public struct QuotaContract: Sendable {
    let store: any VolumeStore
    let other: any VolumeStore
    let policies: any PolicyStore

    /// - Parameters:
    ///   - store: one node's.
    ///   - other: another node's, over the same keys. Who gives them clears the keys away afterwards.
    public init(store: any VolumeStore, other: any VolumeStore, policies: any PolicyStore) {
        self.store = store
        self.other = other
        self.policies = policies
    }

    public static let promises: [ContractCase<Self>] = [
        .init("what is read at once is as young as what was committed before") { try await $0.readsAtOnce() },
        .init("who adds within a guard makes all guards fail that were made before, and no later ones") {
            try await $0.adds()
        },
        .init("who adds without a guard makes them fail, too") { try await $0.addsUnguarded() },
        .init("what adds nothing leaves guards as they are") { try await $0.addsNothing() },
        .init("a guard fails once its policy has been changed or is gone") { try await $0.policyChanges() },
        .init("a guard that no sum bounds fails for the policy alone") { try await $0.unbounded() },
        .init("a guard is of one policy") { try await $0.otherPolicies() },
        .init("of racing commits within one guard one wins") { try await $0.race() },
        .init("within a guard the records of the name are guarded as ever") { try await $0.guardsRecords() },
    ]

    private func policy() async throws -> (name: PolicyName, revision: Int64) {
        let name = try PolicyName(Fresh.name("policy"))
        return (name, try #require(await policies.put(Policy(), as: name, over: nil)).revision)
    }

    private func quota(_ policy: (name: PolicyName, revision: Int64)) async throws -> QuotaGuard {
        QuotaGuard(
            policy: policy.name, policyRevision: policy.revision,
            recordsRevision: try await store.readAtOnce().revision)
    }

    private func change(_ name: VolumeName, _ policy: PolicyName) -> StoreChange {
        var volume = ContractRecords.volume(name)
        volume.phase = .ready
        volume.policy = policy
        return StoreChange(volume: .put(volume))
    }

    /// Creates a volume of the policy.
    private func make(_ policy: PolicyName, within quota: QuotaGuard? = nil) async throws -> StoredVolume? {
        let name = try Fresh.volume("counted")
        return try await store.commit(change(name, policy), over: .absent(name), within: quota)
    }

    private func readsAtOnce() async throws {
        let made = try #require(await make(try await policy().name))
        let all = try await other.readAtOnce()
        #expect(all.revision >= made.revision)
        #expect(all.volumes.first { $0.name == made.name }?.records == made.records)
        #expect(try await other.readAll().contains { $0.name == made.name })
    }

    private func adds() async throws {
        let policy = try await policy()
        let first = try await quota(policy)
        #expect(try await make(policy.name, within: first) != nil)
        let name = try Fresh.volume("late")
        #expect(try await other.commit(change(name, policy.name), over: .absent(name), within: first) == nil)
        #expect(try await store.read(name).records == .absent(name))
        let second = try await quota(policy)
        #expect(try await other.commit(change(name, policy.name), over: .absent(name), within: second) != nil)
    }

    private func addsUnguarded() async throws {
        let policy = try await policy()
        let before = try await quota(policy)
        let made = try #require(await make(policy.name))
        #expect(try await make(policy.name, within: before) == nil)

        let wish = DesiredState(
            volumeUID: "uid-1", size: .gibibytes(20), since: "2026-01-02T03:04:07Z")
        let between = try await quota(policy)
        _ = try #require(await other.commit(StoreChange(desired: .put(wish)), over: made))
        #expect(try await make(policy.name, within: between) == nil)
        #expect(try await make(policy.name, within: try await quota(policy)) != nil)
    }

    private func addsNothing() async throws {
        let policy = try await policy()
        let made = try #require(await make(policy.name))
        let quota = try await quota(policy)
        guard case .put(var volume) = change(made.name, policy.name).volume else { return }
        volume.epoch = Epoch(5)
        volume.spec.mountOptions = []
        let changed = try #require(await other.commit(StoreChange(volume: .put(volume)), over: made))
        #expect(try await other.commit(.deletion, over: changed) != nil)
        #expect(try await make(policy.name, within: quota) != nil)
    }

    private func policyChanges() async throws {
        var policy = try await policy()
        let before = try await quota(policy)
        var larger = Policy()
        larger.create.maxTotal = .gibibytes(100)
        let read = Revisioned(Policy(), revision: policy.revision)
        let changed = try #require(await policies.put(larger, as: policy.name, over: read))
        #expect(try await make(policy.name, within: before) == nil)
        policy.revision = changed.revision
        let now = try await quota(policy)
        #expect(try await policies.delete(policy.name, over: changed))
        #expect(try await make(policy.name, within: now) == nil)
        let again = try #require(await policies.put(larger, as: policy.name, over: nil))
        #expect(try await make(policy.name, within: now) == nil)
        policy.revision = again.revision
        #expect(try await make(policy.name, within: try await quota(policy)) != nil)
    }

    private func unbounded() async throws {
        let policy = try await policy()
        let quota = QuotaGuard(policy: policy.name, policyRevision: policy.revision, recordsRevision: nil)
        for _ in 1...2 { #expect(try await make(policy.name, within: quota) != nil) }
        let stale = QuotaGuard(policy: policy.name, policyRevision: policy.revision - 1, recordsRevision: nil)
        #expect(try await make(policy.name, within: stale) == nil)
    }

    private func otherPolicies() async throws {
        let (gold, silver) = (try await policy(), try await policy())
        let quota = try await quota(gold)
        #expect(try await make(silver.name) != nil)
        #expect(try await make(gold.name, within: quota) != nil)
    }

    private func race() async throws {
        let policy = try await policy()
        let quota = try await quota(policy)
        let winners = try await withThrowingTaskGroup(of: StoredVolume?.self) { group in
            for number in 1...8 {
                group.addTask { [self] in
                    let name = try Fresh.volume("race-\(number)")
                    let chosen = number.isMultiple(of: 2) ? store : other
                    return try await chosen.commit(change(name, policy.name), over: .absent(name), within: quota)
                }
            }
            return try await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
        #expect(winners.count == 1)
    }

    private func guardsRecords() async throws {
        let policy = try await policy()
        let made = try #require(await make(policy.name))
        let quota = try await quota(policy)
        let again = change(made.name, policy.name)
        #expect(try await other.commit(again, over: .absent(made.name), within: quota) == nil)
        #expect(try await store.read(made.name).records == made.records)
    }
}

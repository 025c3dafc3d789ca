import Testing
import VolumeCore

/// What every `PolicyStore` promises, and every `PolicyCatalog` beside it.
public struct PolicyStoreContract: Sendable {
    let store: any PolicyStore
    let other: any PolicyStore
    let catalog: any PolicyCatalog
    let clock: any DriverClock

    /// - Parameters:
    ///   - store: one node's.
    ///   - other: another node's, over the same keys. Who gives them clears the keys away afterwards.
    ///   - catalog: a copy of the same keys.
    public init(store: any PolicyStore, other: any PolicyStore, catalog: any PolicyCatalog, clock: any DriverClock) {
        self.store = store
        self.other = other
        self.catalog = catalog
        self.clock = clock
    }

    public static let promises: [ContractCase<Self>] = [
        .init("a policy that nobody made is not there") { try await $0.absent() },
        .init("every value of a policy comes back as it was, on another node at once") { try await $0.roundTrip() },
        .init("a policy is not made twice") { try await $0.absenceGuard() },
        .init("a policy is not written over a change that its writer has not seen") { try await $0.staleWrite() },
        .init("a policy is not deleted over a change that nobody has seen") { try await $0.staleDeletion() },
        .init("a policy that was deleted and made again is not what was read before") { try await $0.madeAgain() },
        .init("of racing writes one wins") { try await $0.race() },
        .init("all policies are read, and no volume's key among them") { try await $0.readsAll() },
        .init("the copy follows what is written and deleted") { try await $0.follows() },
    ]

    private static func policy(_ iops: Int, size: String = "20G") throws -> Policy {
        var policy = Policy()
        try policy.create.set(.pool, "rbd")
        try policy.create.set(.size, size)
        try policy.create.set(.mountOptions, "noatime,nodiratime")
        policy.create.maxSize = .gibibytes(100)
        try policy.runtime.set(.iops, "\(iops)")
        try policy.runtime.set(.autogrowAt, "85")
        try policy.runtime.set(.autogrowMax, "100G")
        return policy
    }

    private func fresh(_ hint: String) throws -> PolicyName { try PolicyName(Fresh.name(hint)) }

    private func make(_ hint: String) async throws -> (name: PolicyName, made: Revisioned<Policy>) {
        let name = try fresh(hint)
        return (name, try #require(await store.put(try Self.policy(500), as: name, over: nil)))
    }

    private func absent() async throws {
        let name = try fresh("absent")
        #expect(try await store.read(name) == nil)
        #expect(try await store.readAll()[name] == nil)
        #expect(catalog.policy(name) == nil && catalog.runtime(of: name) == nil)
        let read = Revisioned(try Self.policy(500), revision: 1)
        #expect(try await store.put(try Self.policy(600), as: name, over: read) == nil)
        #expect(try await !store.delete(name, over: read))
    }

    private func roundTrip() async throws {
        let (name, made) = try await make("fields")
        #expect(made.record == (try Self.policy(500)))
        #expect(try await other.read(name) == made)
        let changed = try #require(await other.put(try Self.policy(800, size: "30G"), as: name, over: made))
        #expect(changed.revision > made.revision)
        #expect(try await store.read(name) == changed)
    }

    private func absenceGuard() async throws {
        let (name, made) = try await make("guard")
        #expect(try await other.put(try Self.policy(800), as: name, over: nil) == nil)
        #expect(try await store.read(name) == made)
    }

    private func staleWrite() async throws {
        let (name, first) = try await make("stale")
        let second = try #require(await store.put(try Self.policy(600), as: name, over: first))
        #expect(try await other.put(try Self.policy(700), as: name, over: first) == nil)
        #expect(try await store.read(name) == second)
    }

    private func staleDeletion() async throws {
        let (name, first) = try await make("stale-delete")
        let second = try #require(await store.put(try Self.policy(600), as: name, over: first))
        #expect(try await !other.delete(name, over: first))
        #expect(try await store.read(name) == second)
        #expect(try await other.delete(name, over: second))
        #expect(try await store.read(name) == nil)
        #expect(try await !store.delete(name, over: second))
    }

    private func madeAgain() async throws {
        let (name, old) = try await make("again")
        #expect(try await store.delete(name, over: old))
        let new = try #require(await store.put(old.record, as: name, over: nil))
        #expect(new.revision > old.revision)
        #expect(try await !other.delete(name, over: old))
        #expect(try await store.read(name) == new)
    }

    private func race() async throws {
        let (name, first) = try await make("race")
        let winners = try await withThrowingTaskGroup(of: Revisioned<Policy>?.self) { group in
            for number in 1...8 {
                group.addTask { [store, other] in
                    let policy = try Self.policy(500 + number)
                    return try await (number.isMultiple(of: 2) ? store : other).put(policy, as: name, over: first)
                }
            }
            return try await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
        #expect(winners.count == 1)
        #expect(try await store.read(name) == winners.first)
    }

    private func readsAll() async throws {
        var made: [PolicyName: Revisioned<Policy>] = [:]
        for number in 1...3 {
            let (name, policy) = try await make("all-\(number)")
            made[name] = policy
        }
        #expect(try await other.readAll().filter { made.keys.contains($0.key) } == made)
    }

    private func follows() async throws {
        let (name, made) = try await make("followed")
        try await eventually("the policy arrives", on: clock) { catalog.policy(name) == made.record }
        #expect(catalog.runtime(of: name) == made.record.runtime)
        let changed = try #require(await other.put(try Self.policy(800), as: name, over: made))
        try await eventually("the change arrives", on: clock) { catalog.policy(name) == changed.record }
        #expect(try await store.delete(name, over: changed))
        try await eventually("the policy goes", on: clock) { catalog.policy(name) == nil }
    }
}

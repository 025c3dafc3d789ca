import Testing

@testable import VolumeCore

@Suite("What the volumes of a policy have in sum") struct QuotaRuleTests {
    private static let gold = (try? PolicyName("gold")) ?? .standard

    private func stored(
        _ name: String, _ size: VolumeSize = .gibibytes(1), _ phase: VolumeRecord.Phase = .ready,
        policy: PolicyName? = gold, wanted: VolumeSize? = nil, uid: String = "u1"
    ) throws -> StoredVolume {
        let name = try VolumeName(name)
        var record = VolumeRecord(
            name: name, uid: uid, phase: phase, spec: VolumeSpec(pool: "rbd", size: size), options: [:], createdAt: "")
        record.policy = policy
        var stored = StoredVolume(name: name, volume: Revisioned(record, revision: 1), revision: 1)
        stored.desired = wanted.map { Revisioned(DesiredState(volumeUID: "u1", size: $0, since: ""), revision: 1) }
        return stored
    }

    @Test(
        "Each volume counts with the size that it has or is to have, whatever its phase",
        arguments: VolumeRecord.Phase.allCases)
    func counted(_ phase: VolumeRecord.Phase) throws {
        #expect(try QuotaRule.counted(stored("a", .gibibytes(2), phase)) == .gibibytes(2))
        #expect(try QuotaRule.counted(StoredVolume(name: VolumeName("a"), revision: 1)) == nil)
        guard phase == .ready else { return }
        #expect(try QuotaRule.counted(stored("a", .gibibytes(2), wanted: .gibibytes(5))) == .gibibytes(5))
        #expect(try QuotaRule.counted(stored("a", .gibibytes(2), wanted: .gibibytes(1))) == .gibibytes(2))
        // What was wanted of the volume that had the name before.
        #expect(try QuotaRule.counted(stored("a", .gibibytes(2), wanted: .gibibytes(5), uid: "u2")) == .gibibytes(2))
    }

    @Test("The sum is of one policy, and may leave a volume out")
    func sums() throws {
        let all = [
            try stored("a"), try stored("b", .gibibytes(2), .creating), try stored("c", .gibibytes(4), .removing),
            try stored("d", .gibibytes(8), wanted: .gibibytes(16)), try stored("e", policy: nil),
            try stored("f", policy: .standard), StoredVolume(name: try VolumeName("g"), revision: 1),
        ]
        #expect(QuotaRule.sum(of: Self.gold, in: all) == 23 << 30)
        #expect(try QuotaRule.sum(of: Self.gold, in: all, besides: VolumeName("d")) == 7 << 30)
        #expect(QuotaRule.sum(of: Self.gold, in: []) == 0)
        let huge = try (1...3).map { try stored("h\($0)", VolumeSize(bytes: 1 << 63)) }
        #expect(QuotaRule.sum(of: Self.gold, in: huge) == .max)
    }

    @Test(
        "What fits exactly fits, and one byte more is refused",
        arguments: [(UInt64(0), UInt64(10), true), (9, 1, true), (9, 2, false), (0, 11, false), (.max, 1, false)])
    func check(_ others: UInt64, _ size: UInt64, _ fits: Bool) {
        var policy = Policy()
        policy.create.maxTotal = VolumeSize(bytes: 10)
        let named = NamedPolicy(Self.gold, policy)
        do {
            try QuotaRule.check(VolumeSize(bytes: size), beside: others, named, "create volume db")
            #expect(fits)
        } catch {
            #expect(!fits && error.code == .noSpace && error.outcome == .refused && error.what == "create volume db")
        }
        #expect(throws: Never.self) {
            try QuotaRule.check(VolumeSize(bytes: size), beside: others, NamedPolicy(Self.gold, Policy()), "create")
        }
    }

    @Test("A change adds where a volume of a policy is new, or is to be larger, and nowhere else")
    func addsTo() throws {
        let before = try stored("a", .gibibytes(2))
        let absent = StoredVolume(name: before.name, revision: 1)
        let record = try #require(before.volume?.record)
        func change(_ alter: (inout VolumeRecord) -> Void) -> StoreChange {
            var changed = record
            alter(&changed)
            return StoreChange(volume: .put(changed))
        }
        let wish = StoreChange(desired: .put(DesiredState(volumeUID: "u1", size: .gibibytes(3), since: "")))
        #expect(QuotaRule.policy(addedToBy: change { _ in }, over: absent) == Self.gold)
        #expect(QuotaRule.policy(addedToBy: wish, over: before) == Self.gold)
        #expect(QuotaRule.policy(addedToBy: change { $0.policy = .standard }, over: before) == .standard)
        #expect(QuotaRule.policy(addedToBy: change { $0.uid = "u2" }, over: before) == Self.gold)
        for change in [
            change { $0.epoch = Epoch(7) }, change { $0.phase = .removing }, change { $0.policy = nil }, .deletion,
            StoreChange(),
        ] {
            #expect(QuotaRule.policy(addedToBy: change, over: before) == nil)
        }
        #expect(QuotaRule.policy(addedToBy: change { $0.policy = nil }, over: absent) == nil)
        // What was wanted counts already when it is done.
        let wanted = try stored("a", .gibibytes(2), wanted: .gibibytes(3))
        let done = try #require(GrowthRule.done(.gibibytes(3), wanted, at: WallTime(seconds: 0)))
        #expect(QuotaRule.policy(addedToBy: done, over: wanted) == nil)
        #expect(QuotaRule.policy(addedToBy: wish, over: wanted) == nil)
    }
}

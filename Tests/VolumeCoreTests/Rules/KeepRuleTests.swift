import Testing

@testable import VolumeCore

@Suite struct KeepRuleTests {
    private static let start: Int64 = 1_790_000_000

    private func snapshot(
        _ id: UInt64, at seconds: Int64, _ kind: VolumeSnapshot.Kind = .scheduled, isHeld: Bool = false
    ) -> VolumeSnapshot {
        let slot = WallTime(seconds: seconds)
        let mark: SnapshotMark? =
            switch kind {
            case .scheduled: SnapshotMark.scheduled(slot, consistency: .crash, by: "n1")
            case .manual: SnapshotMark(consistency: .crash, by: "operator@n1", token: "t\(id)")
            case .foreign: nil
            }
        var snapshot = VolumeSnapshot(id: id, name: "s\(id)", size: .gibibytes(1), takenAt: slot, mark: mark)
        snapshot.mark?.isHeld = isHeld
        return snapshot
    }

    @Test("Of a number that is to stay the newest stay")
    func number() {
        let all = (1...10).map { snapshot(UInt64($0), at: Self.start + Int64($0) * 60) }
        #expect(KeepRule.remove(all.shuffled(), .newest(3)).map(\.id) == [1, 2, 3, 4, 5, 6, 7])
        #expect(KeepRule.remove(all, .newest(10)) == [])
    }

    @Test("Of tiers the newest of each hour, day, week and month stays, as many as there are to be")
    func tiers() {
        // Every half an hour for a hundred days, kept as it goes.
        let keep = SnapshotKeep.tiers(hours: 24, days: 7, weeks: 4, months: 12)
        var kept: [VolumeSnapshot] = []
        for number in 0..<(100 * 48) {
            kept.append(snapshot(UInt64(number + 1), at: 1_767_225_600 + Int64(number) * 1800))
            let gone = Set(KeepRule.remove(kept, keep).map(\.id))
            kept.removeAll { gone.contains($0.id) }
        }
        let slots = kept.compactMap { $0.mark?.slot?.description }
        // Until 10 April: the ends of January, February and March, of Sundays, of days, and the last hours.
        #expect(slots.contains("2026-01-31T23:30:00Z") && slots.contains("2026-02-28T23:30:00Z"))
        #expect(slots.contains("2026-03-31T23:30:00Z"))
        #expect(slots.contains("2026-03-29T23:30:00Z") && slots.contains("2026-04-05T23:30:00Z"))
        #expect(slots.contains("2026-04-09T23:30:00Z") && slots.contains("2026-04-10T22:30:00Z"))
        #expect(slots.last == "2026-04-10T23:30:00Z")
        #expect(kept.count <= keep.count && kept.count >= 24 + 6 + 2 + 3)
    }

    @Test("Held snapshots, a person's and those that others have taken are never removed, whatever is to stay")
    func others() {
        let all = [
            snapshot(1, at: Self.start, .foreign), snapshot(2, at: Self.start, .manual),
            snapshot(3, at: Self.start, isHeld: true), snapshot(4, at: Self.start + 60),
            snapshot(5, at: Self.start + 120), snapshot(6, at: Self.start + 180, .foreign),
        ]
        #expect(KeepRule.remove(all, .newest(1)).map(\.id) == [4])
    }

    @Test("A snapshot that was taken while a clock was ahead does not keep its place for ever")
    func clockAhead() {
        let ahead = snapshot(1, at: Self.start + 10 * 365 * 86_400)
        let later = (2...4).map { snapshot($0, at: Self.start + Int64($0) * 3600) }
        #expect(KeepRule.remove([ahead] + later, .newest(3)).map(\.id) == [1])
        let tiers = SnapshotKeep.tiers(hours: 3, days: 0, weeks: 0, months: 0)
        #expect(KeepRule.remove([ahead] + later, tiers).map(\.id) == [1])
    }

    @Test("In four thousand histories only what may go goes, as much as is to, and the newest stays")
    func histories() async {
        for seed in 0..<4000 as Range<UInt64> {
            history(seed)
            await Task.yield()
        }
    }

    private func history(_ seed: UInt64) {
        var random = RandomHistory(seed: seed)
        func below(_ bound: UInt64) -> Int { Int(random.next() % bound) }
        let keep: SnapshotKeep =
            below(2) == 0
            ? .newest(1 + below(6))
            : .tiers(hours: 1 + below(4), days: below(4), weeks: below(3), months: below(3))
        var (time, all, id): (Int64, [VolumeSnapshot], UInt64) = (Self.start, [], 0)
        for _ in 0..<(5 + below(30)) {
            // Mostly on, at times far ahead or back.
            time += below(12) == 0 ? Int64(below(20_000_000)) - 10_000_000 : Int64(below(20_000))
            id += UInt64(1 + below(3))
            all.append(
                snapshot(
                    id, at: time, [.scheduled, .scheduled, .scheduled, .manual, .foreign][below(5)],
                    isHeld: below(8) == 0))
            guard below(3) == 0 else { continue }
            let gone = KeepRule.remove(all, keep)
            let free = all.filter { $0.kind == .scheduled && $0.mark?.isHeld == false }
            #expect(gone.allSatisfy(free.contains), "seed \(seed)")
            #expect(gone == gone.sorted { $0.id < $1.id })
            if let newest = free.max(by: { $0.id < $1.id }) { #expect(!gone.contains(newest), "seed \(seed)") }
            let left = free.count - gone.count
            #expect(left <= max(1, keep.count), "seed \(seed): \(left) stay of \(keep)")
            if case .newest(let count) = keep { #expect(left == min(free.count, count), "seed \(seed)") }
            all.removeAll(where: gone.contains)
            #expect(KeepRule.remove(all, keep).isEmpty, "seed \(seed): a second round removes more")
        }
    }
}

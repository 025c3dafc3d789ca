/// Which of the snapshots that the plugin has taken by itself are removed again.
public enum KeepRule {
    /// Only snapshots that were taken by schedule, and that nobody holds; the newest of them always stays. New is what was taken
    /// late, whatever time a clock showed then.
    /// - Returns: those to remove, oldest first.
    public static func remove(_ snapshots: [VolumeSnapshot], _ keep: SnapshotKeep) -> [VolumeSnapshot] {
        let newestFirst = snapshots.filter(mayGo).sorted { $0.id > $1.id }
        var kept: Set<UInt64> = []
        switch keep {
        case .newest(let count): kept.formUnion(newestFirst.prefix(count).map(\.id))
        case .tiers(let hours, let days, let weeks, let months):
            kept.formUnion(newestOfEach(newestFirst, hours) { $0.hour })
            kept.formUnion(newestOfEach(newestFirst, days) { $0.day })
            kept.formUnion(newestOfEach(newestFirst, weeks) { $0.week })
            kept.formUnion(newestOfEach(newestFirst, months) { $0.month })
        }
        if let newest = newestFirst.first { kept.insert(newest.id) }
        return newestFirst.filter { !kept.contains($0.id) }.reversed()
    }

    private static func mayGo(_ snapshot: VolumeSnapshot) -> Bool {
        snapshot.mark?.slot != nil && snapshot.mark?.isHeld == false && !snapshot.isProtected
    }

    /// The newest snapshot of each of the last `count` hours, days, … that have one.
    private static func newestOfEach(
        _ newestFirst: [VolumeSnapshot], _ count: Int, _ part: (WallTime) -> Int64
    ) -> [UInt64] {
        var seen: Set<Int64> = []
        var kept: [UInt64] = []
        for snapshot in newestFirst {
            guard seen.count < count, let slot = snapshot.mark?.slot else { break }
            if seen.insert(part(slot)).inserted { kept.append(snapshot.id) }
        }
        return kept
    }
}

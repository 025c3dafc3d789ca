import Testing
import VolumeCore

@Suite("When volumes are trimmed") struct TrimRuleTests {
    private static let day: Int64 = 86_400
    /// Some day.
    private static let start: Int64 = 20_000 * day

    private func isDue(
        _ now: Int64, recorded: Int64? = nil, sinceTrim: Int64? = nil, watched: Int64 = 0, _ discard: Discard = .daily,
        uid: String = "u1"
    ) -> Bool {
        TrimRule.isDue(
            now: WallTime(seconds: now),
            .init(
                recorded: recorded.map(WallTime.init(seconds:)), sinceTrim: sinceTrim.map { .seconds($0) },
                watched: .seconds(watched)), discard, uid: uid)
    }

    /// The second of the period in which the volume's moment comes, as one that was trimmed long ago shows it.
    private func moment(of uid: String, _ discard: Discard, _ period: Int64) -> Int64 {
        var (early, late) = (0 as Int64, period)
        // Of one that was trimmed half a period before: due from its moment on.
        while late - early > 1 {
            let middle = (early + late) / 2
            let now = Self.start + middle
            let seen = isDue(now, watched: middle + 1, discard, uid: uid)
            if seen { late = middle } else { early = middle }
        }
        return late
    }

    @Test("Volumes that are not on a schedule are never trimmed")
    func unscheduled() {
        for discard in [Discard.off, .online] {
            #expect(!isDue(Self.start, recorded: 0, watched: 1_000_000_000, discard))
        }
    }

    @Test(
        "The moments of a thousand volumes are spread evenly over the day and the week", arguments: [1, 7] as [Int64])
    func spread(days: Int64) {
        let period = days * Self.day
        var parts = [Int](repeating: 0, count: 12)
        for number in 0..<1200 {
            let moment = moment(of: "uid-\(number)", days == 1 ? .daily : .weekly, period)
            parts[Int((moment % period) * 12 / period)] += 1
        }
        #expect(parts.allSatisfy { (50...160).contains($0) }, "\(parts)")
    }

    @Test("A moment that was missed is made up for, once")
    func missed() {
        let now = Self.start
        #expect(isDue(now, recorded: now - 3 * Self.day))
        #expect(!isDue(now, recorded: now))
        #expect(isDue(now, recorded: now - 30 * Self.day, .weekly))
        // A volume that was never trimmed waits for its moment: many may be put on the schedule at once.
        #expect(!isDue(now))
        #expect(isDue(now, watched: Self.day))
    }

    @Test("A time in the record that is still to come does not keep a volume from being trimmed for ever")
    func future() {
        let now = Self.start
        #expect(!isDue(now, recorded: now + 1000 * Self.day, watched: 60))
        #expect(isDue(now, recorded: now + 1000 * Self.day, watched: Self.day))
    }

    @Test("In ten thousand histories a volume is trimmed often enough, and never twice in half a period")
    func histories() {
        for seed in 0..<10_000 as Range<UInt64> {
            history(seed, jumps: false)
            history(seed, jumps: true)
        }
    }

    /// What happens to one volume: hours pass, it is mounted or not, the plugin restarts, the wall clock is put forward and back.
    private func history(_ seed: UInt64, jumps: Bool) {
        var random = RandomHistory(seed: seed)
        let discard: Discard = seed % 2 == 0 ? .daily : .weekly
        let period = discard == .daily ? Self.day : 7 * Self.day
        var (true_, offset) = (Self.start, 0 as Int64)
        var (recorded, trimmedAt, watchedFrom): (Int64?, Int64?, Int64) = (nil, nil, Self.start)
        var last: Int64?
        // Since when it has been mounted without a break, and without a clock that jumps.
        var steadyFrom = Self.start
        for _ in 0..<80 {
            true_ += Int64(random.next() % UInt64(period / 6))
            switch random.next() % 24 {
            case 0 where jumps: offset = Int64(random.next() % UInt64(8 * period)) - 4 * period
            case 1 where !jumps:
                // A restart, or a move.
                (trimmedAt, watchedFrom) = (nil, true_)
            case 2:
                // Not mounted for a while.
                true_ += Int64(random.next() % UInt64(3 * period))
                steadyFrom = true_
            default: break
            }
            let due = isDue(
                true_ + offset, recorded: recorded, sinceTrim: trimmedAt.map { true_ - $0 },
                watched: true_ - watchedFrom, discard, uid: "uid-\(seed)")
            if due {
                if let last { #expect(true_ - last >= period / 2, "seed \(seed): \(true_ - last)") }
                (recorded, trimmedAt, last) = (true_ + offset, true_, true_)
            }
            if !jumps, watchedFrom == Self.start {
                let waited = true_ - max(last ?? Self.start, steadyFrom)
                #expect(waited <= period * 5 / 3 + period / 6, "seed \(seed): not for \(waited) s")
            }
        }
    }
}

import FoundationEssentials
import Testing

@testable import VolumeCore

@Suite struct ScheduleRuleTests {
    private static let start: Int64 = 1_790_000_000

    private func schedule(_ seconds: Int64) -> SnapshotSchedule { SnapshotSchedule(every: .seconds(seconds)) }

    @Test("A schedule that is new begins with its next slot, and each slot after that is taken once")
    func steady() throws {
        let schedule = schedule(1800)
        var progress: ScheduleProgress?
        var taken: [WallTime] = []
        for second in stride(from: Self.start, to: Self.start + 10 * 1800, by: 60) {
            switch ScheduleRule.due(now: WallTime(seconds: second), progress, schedule, uid: "uid-1") {
            case .nothing: break
            case .begin(let slot):
                #expect(progress == nil)
                progress = ScheduleProgress().passing(slot, schedule)
            case .take(let slot):
                #expect(slot <= WallTime(seconds: second) && WallTime(seconds: second) - slot < .seconds(60))
                taken.append(slot)
                progress = progress?.taking(slot, schedule, atRestSince: nil)
            }
        }
        #expect((9...10).contains(taken.count))
        #expect(zip(taken, taken.dropFirst()).allSatisfy { $1 - $0 == .seconds(1800) })
        #expect(progress?.slots.spans.count == 1 && progress?.last == taken.last)
    }

    @Test("Of the slots that were missed one is made up for, and the next one comes at its time")
    func missed() {
        let schedule = schedule(60)
        let now = WallTime(seconds: Self.start)
        let begun = ScheduleRule.latestSlot(before: now, schedule, "u")
        var progress = ScheduleProgress().passing(begun, schedule)
        let later = now + .seconds(86_400)
        guard case .take(let slot) = ScheduleRule.due(now: later, progress, schedule, uid: "u") else {
            Issue.record("nothing is made up for")
            return
        }
        progress = progress.taking(slot, schedule, atRestSince: nil)
        #expect(ScheduleRule.due(now: later, progress, schedule, uid: "u") == .nothing)
        #expect(ScheduleRule.next(after: later, schedule, uid: "u") == slot + .seconds(60))
        #expect(ScheduleRule.due(now: slot + .seconds(60), progress, schedule, uid: "u") == .take(slot + .seconds(60)))
    }

    @Test("Volumes are spread over the interval by their uids", arguments: [5, 60, 86_400, 365 * 86_400] as [Int64])
    func spread(_ seconds: Int64) {
        let schedule = schedule(seconds)
        let now = WallTime(seconds: Self.start)
        let offsets = (0..<1000).map { number in
            (now - ScheduleRule.latestSlot(before: now, schedule, "uid-\(number)")).components.seconds
        }
        #expect(offsets.allSatisfy { (0..<seconds).contains($0) })
        let parts = Dictionary(grouping: offsets) { $0 * 5 / seconds }
        #expect(parts.count == 5 && parts.values.allSatisfy { $0.count > 100 })
    }

    @Test(
        "In two thousand histories no slot is taken twice, whatever the clock does, and none is left out while it is right"
    )
    func histories() async {
        var expected = 0
        for seed in 0..<2000 as Range<UInt64> {
            expected += history(seed)
            await Task.yield()
        }
        #expect(expected > 4000)
    }

    /// One volume: time passes, it is looked at or not, the clock is put forward and back and right again, and in the end its
    /// interval may change.
    /// - Returns: how many slots were certain to be taken, after all that.
    private func history(_ seed: UInt64) -> Int {
        var random = RandomHistory(seed: seed)
        let interval: Int64 = [5, 60, 1800, 86_400][Int(seed % 4)]
        let (schedule, uid) = (schedule(interval), "uid-\(seed)")
        var (time, offset, jumps) = (Self.start, 0 as Int64, 0)
        var progress: ScheduleProgress?
        var taken: Set<WallTime> = []
        // Whether spans have had to be joined: what lies between them counts as taken, and was not.
        var isCoarse = false
        func look(_ schedule: SnapshotSchedule) -> WallTime? {
            defer { isCoarse = isCoarse || progress?.slots.spans.count == TakenSlots.most }
            let now = WallTime(seconds: time + offset)
            switch ScheduleRule.due(now: now, progress, schedule, uid: uid) {
            case .nothing: return nil
            case .begin(let slot):
                progress = ScheduleProgress().passing(slot, schedule)
                return nil
            case .take(let slot):
                #expect(taken.insert(slot).inserted, "seed \(seed): \(slot) is taken twice")
                #expect(slot <= now && now - slot < schedule.every)
                progress = progress?.taking(slot, schedule, atRestSince: nil)
                return slot
            }
        }
        for _ in 0..<60 {
            time += Int64(random.next() % UInt64(interval))
            switch random.next() % 20 {
            case 0 where jumps < 5:
                jumps += 1
                offset = (Int64(random.next() % 2001) - 1000) * interval * 10
            case 1: offset = 0
            case 2: time += interval * Int64(1 + random.next() % 5)
            default: break
            }
            _ = look(schedule)
        }
        var expected = 0
        offset = 0
        _ = look(schedule)
        // From now on the clock is right, and somebody looks in each interval.
        for _ in 0..<5 {
            time += interval
            let slot = ScheduleRule.latestSlot(before: WallTime(seconds: time), schedule, uid)
            let isExpected = !taken.contains(slot) && !isCoarse
            if isExpected { expected += 1 }
            #expect(look(schedule) != nil || !isExpected, "seed \(seed): \(slot) is left out")
        }
        for every in [interval * 3, interval] {
            for _ in 0..<3 {
                time += every
                _ = look(self.schedule(every))
            }
        }
        #expect((progress?.slots.spans.count ?? 0) <= TakenSlots.most)
        return expected
    }

    @Test("The names of slots sort as the slots do, and are names of snapshots")
    func names() throws {
        let slots = [0, 946_684_800, 1_790_000_000, 1_790_000_005, 32_503_680_000].map { WallTime(seconds: $0) }
        let names = try slots.map { try ScheduleRule.name(of: $0) }
        #expect(names == names.sorted() && Set(names).count == 5)
        #expect(names[1].text == "auto-20000101T000000Z")
    }

    @Test("A volume that nobody has had since its last snapshot has not changed")
    func rest() throws {
        let name = try VolumeName("db")
        var volume = VolumeRecord(
            name: name, uid: "u", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: "",
            epoch: Epoch(3))
        func stored() -> StoredVolume { StoredVolume(name: name, volume: Revisioned(volume, revision: 1), revision: 1) }
        #expect(ScheduleRule.mayHaveChanged(stored()))
        let slot = WallTime(seconds: Self.start)
        volume.schedule = ScheduleProgress().taking(slot, schedule(60), atRestSince: Epoch(3))
        #expect(!ScheduleRule.mayHaveChanged(stored()))
        volume.epoch = Epoch(4)
        #expect(ScheduleRule.mayHaveChanged(stored()))
        volume.schedule = volume.schedule?.taking(slot + .seconds(60), schedule(60), atRestSince: nil)
        #expect(ScheduleRule.mayHaveChanged(stored()))
    }

    @Test(
        "What a node has read-only has not changed since the last snapshot of that mount; the next mount may replay a log"
    )
    func restWhileRead() throws {
        let name = try VolumeName("db")
        var volume = VolumeRecord(
            name: name, uid: "u", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: "",
            epoch: Epoch(3))
        volume.spec.access = .readOnly
        volume.schedule = ScheduleProgress().taking(
            WallTime(seconds: Self.start), schedule(60), atRestSince: Epoch(3))
        var mount = Attachment(
            volumeUID: "u", owner: NodeIdentity(node: "a", boot: "1"), epoch: Epoch(3), state: .attached, since: "")
        func stored() -> StoredVolume {
            StoredVolume(
                name: name, volume: Revisioned(volume, revision: 1), attachment: Revisioned(mount, revision: 1),
                revision: 1)
        }
        #expect(!ScheduleRule.mayHaveChanged(stored()) && ScheduleRule.epochAtRest(stored()) == Epoch(3))
        mount.state = .attaching
        #expect(ScheduleRule.mayHaveChanged(stored()))
        (mount.state, volume.epoch) = (.attached, Epoch(4))
        #expect(ScheduleRule.mayHaveChanged(stored()))
        (volume.epoch, volume.spec.access) = (Epoch(3), .readWrite)
        #expect(ScheduleRule.mayHaveChanged(stored()) && ScheduleRule.epochAtRest(stored()) == nil)
    }

    @Test("What the record says of a schedule is read back, and an older record says nothing of one")
    func golden() throws {
        var progress = ScheduleProgress().passing(WallTime(seconds: 946_684_800), schedule(60))
        progress = progress.taking(WallTime(seconds: 946_684_860), schedule(60), atRestSince: Epoch(2))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(progress), as: UTF8.self)
        #expect(
            text == #"{"atRestSince":2,"last":"2000-01-01T00:01:00Z","slots":[{"from":"2000-01-01T00:00:00Z","#
                + #""to":"2000-01-01T00:01:00Z"}]}"#)
        #expect(try JSONDecoder().decode(ScheduleProgress.self, from: Data(text.utf8)) == progress)
        let newer = #"{"later":1,"slots":[{"from":"2001-01-01T00:00:00Z","to":"2000-01-01T00:00:00Z"}]}"#
        let read = try JSONDecoder().decode(ScheduleProgress.self, from: Data(newer.utf8))
        #expect(read.slots.spans.isEmpty)
        #expect(String(decoding: try encoder.encode(read), as: UTF8.self) == #"{"later":1,"slots":[]}"#)
    }
}

import Testing

@testable import VolumeCore

@Suite struct HistoryRuleTests {
    private func events(_ changes: [StoreChange], from first: StoredVolume) -> [HistoryEvent?] {
        var stored = first
        return changes.map { change in
            defer { stored = change.applied(to: stored, at: stored.revision + 1) }
            return HistoryRule.step(change, over: stored)?.event
        }
    }

    @Test("A take-over says from whom, and one of a take-over that was left half-way says from whom that was")
    func takeOver() throws {
        let volume = try Fixture.volume()
        let former = Fixture.attachment(.attached, owner: Fixture.other)
        let stored = try Fixture.stored(volume, former)
        let claim = VolumeClaim(volume, from: former, by: Fixture.me, mountID: "m1", since: "")
        let change = StoreChange(
            volume: .put(claim.volume), attachment: .put(claim.attachment), why: "it has had no heartbeat")
        let step = try #require(HistoryRule.step(change, over: stored))
        #expect(
            step
                == HistoryStep(
                    .takingOver, uid: "u1", from: "there", to: "here", epoch: Epoch(5), why: "it has had no heartbeat"))
        let fencing = change.applied(to: stored, at: 10)
        let again = VolumeClaim(claim.volume, from: claim.attachment, by: Fixture.me, mountID: "m1", since: "")
        let next = try #require(HistoryRule.step(StoreChange(attachment: .put(again.attachment)), over: fencing))
        #expect(next.event == .takingOver && next.from == "there" && next.epoch == Epoch(6))
        let stands = StoreChange(attachment: .put(try claim.attachment.applying(.fenceStands)))
        #expect(HistoryRule.step(stands, over: fencing)?.event == .takenOver)
        let released = try #require(HistoryRule.step(.init(attachment: .delete), over: fencing))
        #expect(released.event == .released && released.from == "there")
    }

    @Test("What becomes of a mount is told once each, and the steps in between are not")
    func mounts() throws {
        let volume = try Fixture.volume()
        let attaching = Fixture.attachment(.attaching)
        var counted = Fixture.attachment(.attached)
        counted.mountIDs["m2"] = 1
        var failed = counted
        failed.growthReason = "the pool is full"
        let changes: [(Attachment?, HistoryEvent?)] = [
            (attaching, nil), (Fixture.attachment(.attached), .mounted), (counted, nil), (failed, .growthFailed),
            (Fixture.attachment(.detaching), nil), (Fixture.attachment(.attached), .stayedMounted),
            (Fixture.attachment(.detaching), nil), (nil, .unmounted), (attaching, nil), (nil, .mountUndone),
        ]
        let writes = changes.map { StoreChange(attachment: $0.0.map { .put($0) } ?? .delete) }
        #expect(events(writes, from: try Fixture.stored(volume)) == changes.map(\.1))
    }

    @Test("What becomes of each reader's mount is told as of the one owner's, whoever else reads the volume")
    func readers() throws {
        func readers(_ here: Attachment?, _ there: Attachment?) -> StoreChange {
            var readers = Readers(volumeUID: "u1")
            for mount in [here, there] { if let mount { readers[mount.owner.node] = mount } }
            return StoreChange(readers: readers.mounts.isEmpty ? .delete : .put(readers))
        }
        func mount(_ state: Attachment.State, by owner: NodeIdentity) -> Attachment {
            Fixture.attachment(state, owner: owner)
        }
        let (here, there) = (mount(.attached, by: Fixture.me), mount(.attached, by: Fixture.other))
        var reboot = mount(.attaching, by: Fixture.other)
        reboot.owner = NodeIdentity(node: Fixture.other.node, boot: "another")
        let changes: [(StoreChange, HistoryEvent?)] = [
            (readers(mount(.attaching, by: Fixture.me), nil), nil), (readers(here, nil), .mounted),
            (readers(here, mount(.attaching, by: Fixture.other)), nil), (readers(here, there), .mounted),
            (readers(mount(.detaching, by: Fixture.me), there), nil), (readers(nil, there), .unmounted),
            (readers(nil, reboot), nil), (readers(nil, nil), .mountUndone),
        ]
        #expect(events(changes.map(\.0), from: try Fixture.stored(try Fixture.volume())) == changes.map(\.1))
        let step = try #require(
            HistoryRule.step(
                readers(here, there),
                over: readers(here, mount(.attaching, by: Fixture.other)).applied(
                    to: try Fixture.stored(try Fixture.volume()), at: 5)))
        #expect(step.to == Fixture.other.node && step.uid == "u1")
    }

    @Test("A creation is told when the volume is ready, or when it is undone")
    func creation() throws {
        let creating = try Fixture.volume(.creating, attempt: Fixture.me)
        #expect(
            events(
                [.init(volume: .put(creating)), .init(volume: .put(try Fixture.volume())), .deletion],
                from: try Fixture.stored(nil)) == [nil, .created, .forgotten])
        #expect(
            events([.init(volume: .put(creating)), .deletion], from: try Fixture.stored(nil)) == [nil, .creationUndone])
        var adopted = try Fixture.volume()
        adopted.origin = .adopted
        #expect(events([.init(volume: .put(adopted))], from: try Fixture.stored(nil)) == [.adopted])
    }

    @Test("A removal is told when it begins and when it is done; so is the way into the trash and back")
    func removal() throws {
        let ready = try Fixture.volume()
        var removing = ready
        removing.phase = .removing
        var kept = removing
        kept.trash = TrashTerm(by: "n1", at: WallTime(seconds: 0), until: WallTime(seconds: 600))
        var returning = kept
        returning.trash?.isReturning = true
        let first = try Fixture.stored(ready)
        #expect(events([.init(volume: .put(removing)), .deletion], from: first) == [.removing, .removed])
        #expect(
            events([.init(volume: .put(removing)), .init(volume: .put(ready))], from: first)
                == [.removing, .removalUndone])
        #expect(
            events(
                [
                    .init(volume: .put(kept)), .deletion, .init(volume: .put(returning)), .init(volume: .put(ready)),
                ], from: first) == [.removing, .trashed, .restoring, .restored])
        #expect(HistoryRule.step(.deletion, over: try Fixture.stored(kept))?.to == "1970-01-01T00:10:00Z")
    }

    @Test("Sizes, values, policies and protection are told with what they were and are")
    func values() throws {
        let volume = try Fixture.volume()
        let stored = try Fixture.stored(volume)
        func step(_ change: (inout VolumeRecord) throws -> Void) throws -> HistoryStep? {
            var changed = volume
            try change(&changed)
            return HistoryRule.step(.init(volume: .put(changed)), over: stored)
        }
        let size = try #require(try step { $0.spec.size = .gibibytes(1) })
        #expect(size.event == .resized && size.from == "206M" && size.to == "1G" && size.uid == "u1")
        #expect(try step { $0.isProtected = true }?.event == .protected)
        let policy = try #require(try step { $0.policy = try PolicyName("gold") })
        #expect(policy.event == .policySet && policy.from == nil && policy.to == "gold")
        #expect(try step { try $0.runtime.set(.discard, "daily") }?.event == .valuesSet)
        #expect(try step { $0.epoch = Epoch(9) } == nil)
        #expect(try step { $0.trimmedAt = WallTime(seconds: 1) } == nil)
        let wish = DesiredState(volumeUID: "u1", size: .gibibytes(2), since: "")
        #expect(HistoryRule.step(.init(desired: .put(wish)), over: stored)?.to == "2G")
    }

    @Test("A roll-back is told when it is asked for, and with its end")
    func rollBacks() throws {
        let volume = try Fixture.volume()
        let asked = WorkRequest(
            volumeUID: "u1", token: "t", work: .rollBack(snapshot: 4, name: "before"), askedBy: "operator@desk",
            since: WallTime(seconds: 0))
        let running = asked.taken(by: Fixture.me)
        let now = WallTime(seconds: 9)
        let stored = try Fixture.stored(volume)
        #expect(
            events(
                [asked, running, running.done("it is", at: now)].map { .init(request: .put($0)) }
                    + [.init(request: .delete)], from: stored) == [.rollbackAsked, nil, .rolledBack, nil])
        let failed = StoreChange(request: .put(running.failed("no room", at: now)))
        #expect(
            HistoryRule.step(failed, over: StoreChange(request: .put(running)).applied(to: stored, at: 10))?.why
                == "no room")
        #expect(
            events([.init(request: .put(asked)), .init(request: .delete)], from: stored).last == .rollbackWithdrawn)
        let trim = WorkRequest(volumeUID: "u1", token: "t", work: .trim, askedBy: "", since: now)
        #expect(events([.init(request: .put(trim))], from: stored) == [nil])
    }

    @Test("Every event has words, and a word of a newer version is shown as it is")
    func words() throws {
        let author = HistoryAuthor(node: "n1", person: "alice")
        let all = try HistoryEvent.allCases.map {
            HistoryEntry(
                HistoryStep($0, uid: "u1", from: "a", to: "b"), of: try Fixture.name(), by: author,
                at: WallTime(seconds: 0)
            ).what
        }
        #expect(Set(all).count == HistoryEvent.allCases.count)
        #expect(all.allSatisfy { !$0.contains("?") })
        var newer = HistoryEntry(
            HistoryStep(.created, uid: nil, from: "a"), of: try Fixture.name(), by: author, at: WallTime(seconds: 0))
        newer.event = "teleported"
        #expect(newer.what == "teleported from a")
    }

    @Test("No entry is long, whatever made somebody write it")
    func bounded() throws {
        let long = String(repeating: "ü\n", count: 5000)
        let entry = HistoryEntry(
            HistoryStep(.growthFailed, uid: "u1", from: long, to: long, why: long), of: try Fixture.name(),
            by: HistoryAuthor(node: "n1", person: long), at: WallTime(seconds: 0))
        try entry.check()
        #expect([entry.by, entry.from, entry.to, entry.why].allSatisfy { ($0?.utf8.count ?? 0) < 1200 })
    }
}

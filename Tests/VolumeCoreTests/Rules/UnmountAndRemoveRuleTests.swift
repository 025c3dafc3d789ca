import Testing
import VolumeCore

@Suite struct UnmountRuleTests {
    private func decide(_ attachment: Attachment?, id: String = "m1") throws -> UnmountStep {
        UnmountRule.decide(
            try Fixture.stored(Fixture.volume(), attachment), mountID: id, me: Fixture.me)
    }

    @Test func whatIsNotMountedHereNeedsNothing() throws {
        #expect(try decide(nil) == .nothing)
        #expect(try decide(Fixture.attachment(.attached, owner: Fixture.other)) == .nothing)
        #expect(try decide(Fixture.attachment(.attached, owner: Fixture.meBefore)) == .nothing)
        #expect(try decide(Fixture.attachment(.fencing)) == .nothing)
    }

    @Test(arguments: [Attachment.State.attaching, .attached, .detaching])
    func theLastIDDetaches(_ state: Attachment.State) throws {
        #expect(try decide(Fixture.attachment(state)) == .detach(Fixture.attachment(state, ids: [:])))
    }

    @Test func anotherIDKeepsItMounted() throws {
        let both = Fixture.attachment(.attached, ids: ["m1": 1, "m2": 1])
        #expect(try decide(both) == .uncount(Fixture.attachment(.attached, ids: ["m2": 1])))
    }

    @Test func theSameIDTwiceIsCountedTwice() throws {
        let twice = Fixture.attachment(.attached, ids: ["m1": 2])
        #expect(try decide(twice) == .uncount(Fixture.attachment(.attached)))
    }

    @Test func anUnknownIDChangesNothing() throws {
        #expect(try decide(Fixture.attachment(.attached), id: "strange") == .nothing)
    }

    @Test func whatNobodyHasCountedIsLetGoOf() throws {
        let idle = Fixture.attachment(.attached, ids: [:])
        #expect(try decide(idle, id: "strange") == .detach(idle))
    }
}

@Suite struct RemoveRuleTests {
    private func decide(
        _ volume: VolumeRecord?, _ attachment: Attachment? = nil, alive: Bool = false, justMounted: Bool = true
    ) throws -> RemoveStep {
        try RemoveRule.decide(
            try Fixture.stored(volume, attachment), me: Fixture.me, attemptIsAlive: alive, justMounted: justMounted)
    }

    @Test func anUnknownVolumeIsNotFound() throws {
        #expect(try #require(throws: VolumeError.self) { try decide(nil) }.code == .notFound)
    }

    @Test func anIdleVolumeIsRemovedAndAnInterruptedRemovalGoesOn() throws {
        #expect(try decide(Fixture.volume(.ready)) == .begin(Fixture.volume(.ready)))
        #expect(try decide(Fixture.volume(.removing)) == .carryOn(Fixture.volume(.removing)))
    }

    @Test(arguments: Attachment.State.allCases, [Fixture.me, Fixture.meBefore, Fixture.other])
    func aVolumeInUseIsKept(_ state: Attachment.State, owner: NodeIdentity) throws {
        let error = try #require(throws: VolumeError.self) {
            try decide(Fixture.volume(), Fixture.attachment(state, owner: owner))
        }
        #expect(error.code == .inUse)
        #expect(error.description.contains(owner.node))
    }

    @Test(arguments: [Attachment.State.attaching, .attached, .detaching])
    func whatDockerNeverUnmountedIsLetGoOfOnceItCannotBeANewContainers(_ state: Attachment.State) throws {
        let stale = Fixture.attachment(state)
        #expect(!stale.mountIDs.isEmpty)
        #expect(try decide(Fixture.volume(), stale, justMounted: false) == .detach(stale))
    }

    @Test(arguments: [Fixture.meBefore, Fixture.other])
    func anothersMountIsKeptHoweverOldItIs(_ owner: NodeIdentity) throws {
        let error = try #require(throws: VolumeError.self) {
            try decide(Fixture.volume(), Fixture.attachment(.attached, owner: owner), justMounted: false)
        }
        #expect(error.code == .inUse)
    }

    @Test func anIdleMountOfThisNodeIsLetGoOfFirst() throws {
        let idle = Fixture.attachment(.attached, ids: [:])
        #expect(try decide(Fixture.volume(), idle) == .detach(idle))
    }

    @Test(arguments: [
        (Fixture.me, true, true), (Fixture.me, false, true), (Fixture.meBefore, true, true),
        (Fixture.other, false, true), (Fixture.other, true, false),
    ])
    func anUnfinishedVolumeIsRemovedUnlessALiveNodeIsAtIt(_ by: NodeIdentity, alive: Bool, goes: Bool) throws {
        let volume = try Fixture.volume(.creating, attempt: by)
        if goes {
            #expect(try decide(volume, alive: alive) == .begin(volume))
        } else {
            let error = try #require(throws: VolumeError.self) { try decide(volume, alive: alive) }
            #expect(error.code == .unfinished)
        }
    }

    private func adopted(
        _ phase: VolumeRecord.Phase, _ option: String?, attempt: NodeIdentity? = nil
    ) throws -> VolumeRecord {
        var volume = try Fixture.volume(phase, attempt: attempt)
        volume.adopted = true
        volume.options["adopt"] = option
        return volume
    }

    @Test("E8: of an adopted volume only the record goes, unless it was said that the image goes with it")
    func e8Adopted() throws {
        // A record without the option is nobody's word that the image may be deleted.
        for option in [nil, "true", "1", "false", "nonsense"] {
            let volume = try adopted(.ready, option)
            #expect(volume.keepsImage)
            #expect(try decide(volume) == .forget(volume))
        }
        let own = try adopted(.ready, "own")
        #expect(try decide(own) == .begin(own))
        var made = try Fixture.volume(.ready)
        made.options["adopt"] = "true"
        #expect(!made.keepsImage)
    }

    @Test("E8: an adoption that was cut off is forgotten, unless a live node is at it")
    func e8Unfinished() throws {
        let volume = try adopted(.creating, "true", attempt: Fixture.other)
        #expect(try decide(volume) == .forget(volume))
        #expect(try #require(throws: VolumeError.self) { try decide(volume, alive: true) }.code == .unfinished)
        let removing = try adopted(.removing, "true")
        #expect(try decide(removing) == .carryOn(removing))
    }
}

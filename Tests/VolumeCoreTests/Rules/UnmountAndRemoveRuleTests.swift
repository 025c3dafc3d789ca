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
        _ volume: VolumeRecord?, _ attachment: Attachment? = nil, alive: Bool = false, justMounted: Bool = true,
        policy: RuntimeSettings? = nil
    ) throws -> RemoveStep {
        try RemoveRule.decide(
            try Fixture.stored(volume, attachment), me: Fixture.me, attemptIsAlive: alive, justMounted: justMounted,
            choice: volume.map { TrashRule.onRemove($0, policy: policy) } ?? .delete)
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

    @Test(
        "E19: a ready volume that is protected is not removed, whoever has it or had it; the text says who lifts that")
    func e19Protected() throws {
        var volume = try Fixture.volume(.ready)
        volume.isProtected = true
        for attachment in [nil, Fixture.attachment(.attached, ids: [:]), Fixture.attachment(.attached)] {
            let error = try #require(throws: VolumeError.self) { try decide(volume, attachment, justMounted: false) }
            #expect(error.code == .conflict && error.outcome == .refused)
            #expect(error.description.contains("rbd-plugin volume unprotect db"))
        }
        volume.origin = .adopted
        #expect(throws: VolumeError.self) { try decide(volume) }
        volume.isProtected = false
        #expect(try decide(volume) == .forget(volume))
    }

    @Test(
        "E19: what is not wholly created holds nobody's data, and a removal that was begun goes on",
        arguments: [
            VolumeRecord.Phase.creating, .removing,
        ])
    func e19OnlyReadyVolumesAreProtected(_ phase: VolumeRecord.Phase) throws {
        var volume = try Fixture.volume(phase)
        volume.isProtected = true
        #expect(try decide(volume) == (phase == .creating ? .begin(volume) : .carryOn(volume)))
    }

    @Test("what is being restored no removal takes; what is on its way into the trash goes on")
    func returning() throws {
        var volume = try Fixture.volume(.removing)
        volume.trash = TrashTerm(by: "n1", at: WallTime(seconds: 5), until: WallTime(seconds: 9))
        #expect(try decide(volume) == .carryOn(volume))
        volume.trash?.isReturning = true
        let error = #expect(throws: VolumeError.self) { try decide(volume) }
        #expect(error?.code == .unfinished && error?.remedy.contains("trash restore") == true)
    }

    private func adopted(
        _ phase: VolumeRecord.Phase, _ option: String?, attempt: NodeIdentity? = nil
    ) throws -> VolumeRecord {
        var volume = try Fixture.volume(phase, attempt: attempt)
        volume.origin = .adopted
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

@Suite struct ProtectionRuleTests {
    @Test("E19: a ready volume is protected and released again, idle or mounted; what says so already is not written")
    func e19Change() throws {
        let volume = try Fixture.volume(.ready)
        for attachment in [nil, Fixture.attachment(.attached), Fixture.attachment(.attached, owner: Fixture.other)] {
            let stored = try Fixture.stored(volume, attachment)
            let protected = try #require(try ProtectionRule.decide(stored, isProtected: true))
            #expect(protected.isProtected)
            #expect(try ProtectionRule.decide(stored, isProtected: false) == nil)
            let again = try Fixture.stored(protected, attachment)
            #expect(try ProtectionRule.decide(again, isProtected: true) == nil)
            #expect(try ProtectionRule.decide(again, isProtected: false) == volume)
        }
    }

    @Test("E19: while an operation of several steps is under way, nobody else writes the volume's record")
    func e19NotMeanwhile() throws {
        for state in Attachment.State.allCases where state != .attached {
            let stored = try Fixture.stored(Fixture.volume(.ready), Fixture.attachment(state))
            let error = try #require(throws: VolumeError.self) {
                try ProtectionRule.decide(stored, isProtected: true)
            }
            #expect(error.code == .conflict && error.why.contains(Fixture.me.node))
        }
        for phase in [VolumeRecord.Phase.creating, .removing] {
            let stored = try Fixture.stored(Fixture.volume(phase))
            #expect(throws: VolumeError.self) { try ProtectionRule.decide(stored, isProtected: true) }
        }
        let nobody = try Fixture.stored(nil)
        #expect(
            try #require(throws: VolumeError.self) { try ProtectionRule.decide(nobody, isProtected: true) }.code
                == .notFound)
    }
}

import Testing
import VolumeCore

@Suite struct MountRuleTests {
    private func decide(_ stored: StoredVolume, mounted: Bool = false, alive: Bool = false) throws -> MountStep {
        try MountRule.decide(stored, me: Fixture.me, mountedHere: mounted, ownerIsAlive: alive)
    }

    @Test func anUnknownVolumeIsNotFound() throws {
        let error = try #require(throws: VolumeError.self) { try decide(Fixture.stored(nil)) }
        #expect(error.code == .notFound)
    }

    @Test(arguments: [VolumeRecord.Phase.creating, .removing], [nil, Fixture.me, Fixture.other])
    func onlyAReadyVolumeIsMounted(_ phase: VolumeRecord.Phase, owner: NodeIdentity?) throws {
        let attachment = owner.map { Fixture.attachment(.attached, owner: $0) }
        let error = try #require(throws: VolumeError.self) {
            try decide(Fixture.stored(Fixture.volume(phase), attachment), mounted: true)
        }
        #expect(error.code == .unfinished)
    }

    @Test(arguments: [true, false]) func aFreeVolumeIsClaimed(_ alive: Bool) throws {
        #expect(try decide(Fixture.stored(Fixture.volume()), alive: alive) == .attach)
    }

    @Test(arguments: Attachment.State.allCases, [true, false])
    func anotherNodesVolumeIsWaitedForWhileItLivesAndTakenOverElse(_ state: Attachment.State, alive: Bool) throws {
        let stored = try Fixture.stored(Fixture.volume(), Fixture.attachment(state, owner: Fixture.other))
        for mounted in [true, false] {
            #expect(
                try decide(stored, mounted: mounted, alive: alive) == (alive ? .wait(for: Fixture.other) : .takeOver))
        }
    }

    @Test(arguments: Attachment.State.allCases, [true, false])
    func anEarlierBootOfThisNodeIsFencedWhateverItsHeartbeatSays(_ state: Attachment.State, alive: Bool) throws {
        let stored = try Fixture.stored(Fixture.volume(), Fixture.attachment(state, owner: Fixture.meBefore))
        #expect(try decide(stored, alive: alive) == .takeOver)
    }

    @Test(arguments: [
        (Attachment.State.attached, true, MountStep.count), (.attached, false, .reattach),
        (.attaching, true, .reattach), (.attaching, false, .reattach), (.detaching, true, .reattach),
        (.detaching, false, .reattach), (.fencing, true, .takeOver), (.fencing, false, .takeOver),
    ])
    func whatThisBootHasIsCountedOnlyWhenTheKernelAgrees(
        _ state: Attachment.State, mounted: Bool, expected: MountStep
    ) throws {
        let stored = try Fixture.stored(Fixture.volume(), Fixture.attachment(state))
        #expect(try decide(stored, mounted: mounted) == expected)
    }

    @Test func aMountOfAnotherIncarnationIsNotExplainedAway() throws {
        let stored = try Fixture.stored(Fixture.volume(), Fixture.attachment(.attached, uid: "u0"))
        let error = try #require(throws: VolumeError.self) { try decide(stored, mounted: true) }
        #expect(error.code == .unexplained)
    }

    @Test func aRefusalNamesTheOwnerAndSinceWhen() throws {
        let stored = try Fixture.stored(Fixture.volume(), Fixture.attachment(.attached, owner: Fixture.other))
        let text = MountRule.refusal(stored).description
        #expect(text.contains("there") && text.contains("2026-01-01T00:00:00Z"))
    }
}

@Suite struct VolumeClaimTests {
    private let address = ClientAddress("10.0.0.1:0/7")

    @Test func aClaimRaisesTheEpochInBothRecords() throws {
        let claim = VolumeClaim(try Fixture.volume(epoch: 4), by: Fixture.me, mountID: "m", since: "now")
        #expect(claim.volume.epoch == Epoch(5))
        #expect(claim.attachment.epoch == Epoch(5))
        #expect(claim.attachment.state == .attaching)
        #expect(claim.attachment.mountIDs == ["m": 1])
        #expect(claim.attachment.clients.isEmpty)
    }

    @Test func aTakeOverNamesWhomToFence() throws {
        let address = try #require(address)
        let former = Fixture.attachment(.attached, owner: Fixture.other, clients: [address])
        let claim = VolumeClaim(try Fixture.volume(), from: former, by: Fixture.me, mountID: "m", since: "now")
        #expect(claim.attachment.state == .fencing)
        #expect(
            claim.attachment.fenced
                == .init(owner: Fixture.other, epoch: Epoch(4), clients: [address], mayBeIncomplete: false))
    }

    @Test(arguments: Attachment.State.allCases, [true, false])
    func anAddressMayBeMissingWhileAttachingOrWhenNoneIsRecorded(_ state: Attachment.State, recorded: Bool) throws {
        let clients = recorded ? [try #require(address)] : []
        let fenced = Attachment.Fenced(Fixture.attachment(state, clients: clients))
        #expect(fenced.mayBeIncomplete == (state == .attaching || !recorded))
    }

    @Test func aTakeOverOfATakeOverStillFencesTheFirstOwner() throws {
        let address = try #require(address)
        let former = Fixture.attachment(.attached, owner: Fixture.other, clients: [address])
        let first = VolumeClaim(try Fixture.volume(), from: former, by: Fixture.meBefore, mountID: "m", since: "now")
        let second = VolumeClaim(first.volume, from: first.attachment, by: Fixture.me, mountID: "n", since: "later")
        #expect(second.attachment.fenced == first.attachment.fenced)
        #expect(second.volume.epoch > first.volume.epoch)
    }
}

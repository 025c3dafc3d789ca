import Testing
import VolumeCore

@Suite struct RecoveryRuleTests {
    @Test(arguments: Attachment.State.allCases, [true, false])
    func anotherNodesMountIsNoneOfOurs(_ state: Attachment.State, mounted: Bool) {
        let theirs = Fixture.attachment(state, owner: Fixture.other)
        #expect(RecoveryRule.decide(theirs, me: Fixture.me, mountedHere: mounted) == .nothing)
    }

    @Test(arguments: [
        (Attachment.State.attaching, RecoveryStep.clear), (.attached, .clear), (.detaching, .clear),
        (.fencing, .nothing),
    ])
    func anEarlierBootsMountIsCleared(_ state: Attachment.State, expected: RecoveryStep) {
        let old = Fixture.attachment(state, owner: Fixture.meBefore)
        #expect(RecoveryRule.decide(old, me: Fixture.me, mountedHere: false) == expected)
    }

    @Test(arguments: [
        (Attachment.State.attaching, true, RecoveryStep.detach), (.attaching, false, .detach),
        (.detaching, true, .detach),
        (.detaching, false, .detach), (.attached, true, .adopt), (.attached, false, .nothing),
        (.fencing, true, .nothing),
    ])
    func thisBootsMountIsAdoptedOrFinished(_ state: Attachment.State, mounted: Bool, expected: RecoveryStep) {
        let ours = Fixture.attachment(state)
        #expect(RecoveryRule.decide(ours, me: Fixture.me, mountedHere: mounted) == expected)
    }

    @Test func whatNobodyCountsIsLetGoOf() {
        let idle = Fixture.attachment(.attached, ids: [:])
        #expect(RecoveryRule.decide(idle, me: Fixture.me, mountedHere: true) == .detach)
    }
}

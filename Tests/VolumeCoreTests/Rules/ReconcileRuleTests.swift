import Testing
import VolumeCore

@Suite struct ReconcileRuleTests {
    private func decide(_ attachment: Attachment, wanted: Bool = false, justMounted: Bool = false) -> ReconcileStep {
        var attachment = attachment
        if wanted { attachment.wantedBy = Fixture.other }
        return ReconcileRule.decide(attachment, me: Fixture.me, justMounted: justMounted)
    }

    @Test(arguments: Attachment.State.allCases, [Fixture.meBefore, Fixture.other])
    func whatIsNotOursIsNotTendedTo(_ state: Attachment.State, owner: NodeIdentity) {
        #expect(decide(Fixture.attachment(state, owner: owner, ids: [:]), wanted: true) == .nothing)
    }

    @Test(arguments: [
        (Attachment.State.attaching, ReconcileStep.detach), (.detaching, .detach), (.fencing, .finishFence),
    ])
    func whatNoOperationIsAtIsFinished(_ state: Attachment.State, expected: ReconcileStep) {
        #expect(decide(Fixture.attachment(state)) == expected)
        #expect(decide(Fixture.attachment(state), wanted: true, justMounted: true) == expected)
    }

    @Test func aCountedMountStaysUntilSomebodyAsks() {
        #expect(decide(Fixture.attachment(.attached)) == .nothing)
        #expect(decide(Fixture.attachment(.attached), wanted: true) == .detach)
    }

    @Test func whoAsksRightAfterAMountIsDeclined() {
        #expect(decide(Fixture.attachment(.attached), wanted: true, justMounted: true) == .decline)
        #expect(decide(Fixture.attachment(.attached), justMounted: true) == .nothing)
    }

    @Test(arguments: [true, false]) func whatNobodyCountsIsLetGoOf(_ justMounted: Bool) {
        #expect(decide(Fixture.attachment(.attached, ids: [:]), justMounted: justMounted) == .detach)
    }
}

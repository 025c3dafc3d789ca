import Testing
import VolumeCore

@Suite struct TendRuleTests {
    private func decide(_ attachment: Attachment, wanted: Bool = false, justMounted: Bool = false) -> TendStep {
        var attachment = attachment
        if wanted { attachment.wantedBy = Fixture.other }
        return TendRule.decide(attachment, me: Fixture.me, justMounted: justMounted)
    }

    @Test(arguments: Attachment.State.allCases, [Fixture.meBefore, Fixture.other])
    func whatIsNotOursIsNotTendedTo(_ state: Attachment.State, owner: NodeIdentity) {
        #expect(decide(Fixture.attachment(state, owner: owner, ids: [:]), wanted: true) == .nothing)
    }

    @Test(arguments: [
        (Attachment.State.attaching, TendStep.letGo), (.detaching, .letGo), (.fencing, .finishFence),
    ])
    func whatNoOperationIsAtIsFinished(_ state: Attachment.State, expected: TendStep) {
        #expect(decide(Fixture.attachment(state)) == expected)
        #expect(decide(Fixture.attachment(state), wanted: true, justMounted: true) == expected)
    }

    @Test func aCountedMountStaysUntilSomebodyAsks() {
        #expect(decide(Fixture.attachment(.attached)) == .nothing)
        #expect(decide(Fixture.attachment(.attached), wanted: true) == .letGo)
    }

    @Test func whoAsksRightAfterAMountIsDeclined() {
        #expect(decide(Fixture.attachment(.attached), wanted: true, justMounted: true) == .decline)
        #expect(decide(Fixture.attachment(.attached), justMounted: true) == .nothing)
    }

    @Test(arguments: [true, false]) func whatNobodyCountsIsLetGoOf(_ justMounted: Bool) {
        #expect(decide(Fixture.attachment(.attached, ids: [:]), justMounted: justMounted) == .letGo)
    }
}

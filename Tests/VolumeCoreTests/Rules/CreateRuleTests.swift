import Testing
import VolumeCore

@Suite struct CreateRuleTests {
    private func decide(
        _ recorded: VolumeRecord?, options: [String: String] = ["pool": "rbd", "size": "206"], alive: Bool = false
    ) throws -> CreateStep {
        try CreateRule.decide(
            try Fixture.name(), recorded: recorded, request: try Fixture.request(options), me: Fixture.me,
            attemptIsAlive: alive)
    }

    @Test func anUnknownNameBegins() throws {
        #expect(try decide(nil) == .begin)
    }

    @Test func aReadyVolumeAsAskedForIsFinished() throws {
        #expect(try decide(Fixture.volume(.ready)) == .finished)
        #expect(try decide(Fixture.volume(.ready), options: ["pool": "rbd"]) == .finished)
    }

    @Test(arguments: VolumeRecord.Phase.allCases)
    func aContradictionIsRefusedInEveryPhase(_ phase: VolumeRecord.Phase) throws {
        let error = try #require(throws: VolumeError.self) {
            try decide(Fixture.volume(phase, attempt: Fixture.me), options: ["pool": "rbd", "size": "1G"])
        }
        #expect(error.code == .alreadyExists)
        #expect(error.description.contains("size=206M"))
    }

    @Test func aVolumeBeingRemovedIsNotCreatedOver() throws {
        let error = try #require(throws: VolumeError.self) { try decide(Fixture.volume(.removing)) }
        #expect(error.code == .unfinished)
    }

    @Test(arguments: [
        (Fixture.me, true, false), (Fixture.me, false, false), (Fixture.meBefore, true, false),
        (Fixture.meBefore, false, false), (Fixture.other, true, true), (Fixture.other, false, false),
    ])
    func onlyALiveOtherNodesAttemptIsWaitedFor(_ by: NodeIdentity, alive: Bool, waits: Bool) throws {
        let record = try Fixture.volume(.creating, attempt: by)
        #expect(try decide(record, alive: alive) == (waits ? .wait(for: by) : .carryOn(record)))
    }
}

import Simulation
import Testing

/// Shows that the simulation bites. All deliberate defects are looked for by the optimised program (`rig/test`).
@Suite struct MutationTests {
    @Test(arguments: [Mutation.fenceDoesNothing, .guardsAreIgnored, .unmapLies, .idsAreNotCounted])
    func isFound(_ mutation: Mutation) async {
        let hunt = await Simulation.hunt(mutation, threads: SimulationSettings.threads)
        #expect(hunt.isFound, "\(mutation): \(mutation.what): \(hunt)")
    }

    @Test func thereAreManyAndEachSaysWhatItIs() {
        #expect(Mutation.allCases.count >= 60)
        #expect(Set(Mutation.allCases.map(\.what)).count == Mutation.allCases.count)
    }
}

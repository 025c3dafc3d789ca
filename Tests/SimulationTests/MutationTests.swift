import Simulation
import Testing

/// Shows that the simulation bites: each deliberate defect is found, and for the reason that it is one.
@Suite(.serialized) struct MutationTests {
    @Test(arguments: Mutation.allCases)
    func isFound(_ mutation: Mutation) async throws {
        let report = await Simulation.run(
            1...150_000, HistoryOptions(mutation: mutation), threads: SimulationSettings.threads, stoppingAfter: 1)
        let found = try #require(
            report.failures.first, "\(mutation): \(mutation.what): not found in \(report.histories) histories")
        let violation = try #require(found.violation)
        print("mutation \(mutation) (\(mutation.what)): found by seed \(found.seed), \(violation)")
        #expect(
            mutation.breaks.contains(violation.invariant),
            "\(mutation) was found by seed \(found.seed) for another reason: \(violation)")
    }

    @Test func thereAreManyAndEachSaysWhatItIs() {
        #expect(Mutation.allCases.count >= 60)
        #expect(Set(Mutation.allCases.map(\.what)).count == Mutation.allCases.count)
    }
}

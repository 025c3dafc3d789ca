import Simulation
import Testing

/// Shows that the simulation bites: each deliberate defect is found.
@Suite(.serialized) struct MutationTests {
    @Test(arguments: Mutation.allCases)
    func isFound(_ mutation: Mutation) async throws {
        let report = await Simulation.run(
            1...30_000, HistoryOptions(mutation: mutation), threads: SimulationSettings.threads, stoppingAfter: 1)
        let found = try #require(
            report.failures.first, "\(mutation): \(mutation.what): not found in \(report.histories) histories")
        let violation = try #require(found.violation)
        print("mutation \(mutation) (\(mutation.what)): found by seed \(found.seed), \(violation)")
    }
}

import Simulation
import Testing

/// Many histories of three nodes with the real driver, each with faults of its own.
@Suite(.serialized) struct SimulationTests {
    /// With `SIM_SEED` one history is replayed and printed; without it, the first one shows that they work at all.
    @Test func oneHistory() {
        var options = SimulationSettings.replay
        options.writesTrace = true
        let result = Simulation.run(SimulationSettings.seed ?? 1, options, StartingWorlds())
        if SimulationSettings.seed != nil { print(result.trace.joined(separator: "\n")) }
        if let violation = result.violation { Issue.record("\(violation)") }
        #expect(!result.trace.isEmpty)
    }

    @Test func theSameSeedIsTheSameHistory() {
        let worlds = StartingWorlds()
        for seed in 1...50 as ClosedRange<UInt64> {
            let once = Simulation.run(seed, HistoryOptions(), worlds)
            let again = Simulation.run(seed, HistoryOptions(), StartingWorlds())
            #expect(once.fingerprint == again.fingerprint, "seed \(seed)")
            #expect(once.steps == again.steps, "seed \(seed)")
        }
    }

    @Test func noHistoryBreaksAnInvariant() async {
        let first = SimulationSettings.first
        let report = await Simulation.run(
            first...(first + SimulationSettings.histories - 1), HistoryOptions(), threads: SimulationSettings.threads)
        print("simulation: \(report.histories) histories from seed \(first), \(report.steps) steps")
        for failure in report.failures { Self.explain(failure) }
        #expect(report.failures.isEmpty)
    }

    @Test("F1: no seed that has ever broken an invariant does so again")
    func f1NoSeedThatFailedOnceFailsAgain() {
        let worlds = StartingWorlds()
        for (seed, what) in FailedSeeds.all.sorted(by: { $0.key < $1.key }) {
            let result = Simulation.run(seed, HistoryOptions(), worlds)
            if let violation = result.violation { Issue.record("seed \(seed) (\(what)): \(violation)") }
        }
    }

    private static func explain(_ failure: HistoryResult) {
        let worlds = StartingWorlds()
        var (options, _) = Simulation.shrink(failure.seed, HistoryOptions(), worlds)
        let command = SimulationSettings.command(failure.seed, options)
        options.writesTrace = true
        let result = Simulation.run(failure.seed, options, worlds)
        print("seed \(failure.seed), shortened:\n\(result.trace.joined(separator: "\n"))")
        Issue.record(
            """
            seed \(failure.seed) breaks \(failure.violation?.description ?? "?")
            replay it with: SIM_SEED=\(failure.seed) swift test --filter SimulationTests.oneHistory
            shortened: \(command)
            """)
    }
}

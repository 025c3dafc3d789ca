import Simulation
import Testing

@Suite struct SimulationTests {
    @Test func histories() {
        let worlds = StartingWorlds()
        var found: [String: [UInt64]] = [:]
        for seed in 1...2000 {
            let result = Simulation.run(UInt64(seed), HistoryOptions(), worlds)
            if let violation = result.violation { found[violation.description, default: []].append(UInt64(seed)) }
        }
        for (what, seeds) in found { print(seeds.count, what, seeds.prefix(5)) }
    }
}

import Glibc
import Simulation

/// How much is simulated, by environment: `SIM_HISTORIES` and `SIM_FIRST` for a longer run or another one, `SIM_SEED` (with
/// `SIM_STEPS`, `SIM_WITHOUT` and `SIM_MUTATION`) to replay one history and print it. Many are run by the optimised program.
enum SimulationSettings {
    static let histories = number("SIM_HISTORIES") ?? 2_000
    static let first = text("SIM_FIRST").flatMap(Simulation.seed) ?? 1
    static let seed = number("SIM_SEED")
    static let threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// What `SIM_SEED` is replayed with.
    static var replay: HistoryOptions {
        var options = HistoryOptions(mutation: text("SIM_MUTATION").flatMap(Mutation.init(rawValue:)))
        options.maximumSteps = number("SIM_STEPS").map(Int.init)
        options.mutedSteps = Set((text("SIM_WITHOUT") ?? "").split(separator: ",").compactMap { Int($0) })
        return options
    }

    /// The command that replays a history.
    static func command(_ seed: UInt64, _ options: HistoryOptions) -> String {
        var words = ["SIM_SEED=\(seed)"]
        if let steps = options.maximumSteps { words.append("SIM_STEPS=\(steps)") }
        if !options.mutedSteps.isEmpty {
            words.append("SIM_WITHOUT=\(options.mutedSteps.sorted().map(String.init).joined(separator: ","))")
        }
        if let mutation = options.mutation { words.append("SIM_MUTATION=\(mutation.rawValue)") }
        return "\(words.joined(separator: " ")) swift test --filter SimulationTests.oneHistory"
    }

    private static func number(_ name: String) -> UInt64? { text(name).flatMap { UInt64($0) } }

    private static func text(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

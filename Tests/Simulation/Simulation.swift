/// Runs histories.
public enum Simulation {
    public static func run(_ seed: UInt64, _ options: HistoryOptions, _ worlds: StartingWorlds) -> HistoryResult {
        History(seed: seed, options, worlds).run()
    }
}

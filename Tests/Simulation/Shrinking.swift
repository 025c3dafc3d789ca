extension Simulation {
    /// Looks for a shorter history with the same violation: an earlier end, and steps that can be left out.
    public static func shrink(
        _ seed: UInt64, _ options: HistoryOptions, _ worlds: StartingWorlds
    ) -> (options: HistoryOptions, result: HistoryResult) {
        var best = options
        var result = run(seed, best, worlds)
        guard let wanted = result.violation?.invariant else { return (best, result) }
        func attempt(_ candidate: HistoryOptions) -> Bool {
            let shorter = run(seed, candidate, worlds)
            guard shorter.violation?.invariant == wanted else { return false }
            best = candidate
            result = shorter
            return true
        }
        var end = result.steps - 1
        while end > 0 {
            var candidate = best
            candidate.maximumSteps = end
            guard attempt(candidate) else { break }
            end -= 1
        }
        var again = true
        while again {
            again = false
            for step in stride(from: result.steps, to: 0, by: -1) where !best.mutedSteps.contains(step) {
                var candidate = best
                candidate.mutedSteps.insert(step)
                if attempt(candidate) { again = true }
            }
        }
        return (best, result)
    }
}

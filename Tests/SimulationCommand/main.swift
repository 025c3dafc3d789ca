import Glibc
import Simulation

// Many histories by an optimised program, for `make soak` and for looking for a rare one:
//
//   rbd-plugin-simulate FIRST COUNT [MUTATION]
//
// A count of 0 prints the history of the seed FIRST, shortened if it breaks an invariant.
// Ends with 1 when a history breaks an invariant, after it has said which and how to replay it.

let words = Array(CommandLine.arguments.dropFirst())
guard words.count >= 2, let first = UInt64(words[0]), let count = UInt64(words[1]) else {
    print("usage: rbd-plugin-simulate FIRST COUNT [MUTATION]")
    exit(2)
}
let mutation = words.count > 2 ? Mutation(rawValue: words[2]) : nil
if words.count > 2, mutation == nil {
    print("no mutation is called \(words[2]); there are \(Mutation.allCases.map(\.rawValue).joined(separator: ", "))")
    exit(2)
}
if count == 0 {
    var (options, _) = Simulation.shrink(first, HistoryOptions(mutation: mutation), StartingWorlds())
    options.writesTrace = true
    let result = Simulation.run(first, options, StartingWorlds())
    print(result.trace.joined(separator: "\n"))
    print(result.violation?.description ?? "no invariant is broken")
    exit(result.violation == nil ? 0 : 1)
}
let threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
let report = await Simulation.run(
    first...(first + count - 1), HistoryOptions(mutation: mutation), threads: threads,
    stoppingAfter: mutation == nil ? 5 : 1)
print("\(report.histories) histories from seed \(first), \(report.steps) steps, \(report.failures.count) violations")
for failure in report.failures {
    let isItsOwn = failure.violation.map { mutation?.breaks.contains($0.invariant) ?? true } ?? true
    print("seed \(failure.seed): \(failure.violation?.description ?? "?")\(isItsOwn ? "" : " (for another reason)")")
    let (options, shortened) = Simulation.shrink(failure.seed, HistoryOptions(mutation: mutation), StartingWorlds())
    let without = options.mutedSteps.sorted().map(String.init).joined(separator: ",")
    print(
        "  SIM_SEED=\(failure.seed) SIM_STEPS=\(options.maximumSteps ?? shortened.steps) SIM_WITHOUT=\(without)"
            + (mutation.map { " SIM_MUTATION=\($0.rawValue)" } ?? "")
            + " swift test --filter SimulationTests.oneHistory")
}
exit(report.failures.isEmpty ? 0 : 1)

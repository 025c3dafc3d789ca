import Glibc
import Simulation

// The simulation at its full length, by an optimised program:
//
//   rbd-plugin-simulate FIRST COUNT [MUTATION]
//   rbd-plugin-simulate mutations [rare]
//
// FIRST is a seed, or '@' and a commit's hash for the first of the million seeds that no other commit has. A COUNT of 0
// prints the history of the seed FIRST, shortened if it breaks an invariant. `mutations` looks for each deliberate defect
// that shows often enough, and names the others; `mutations rare` looks for those, which takes long.
// Ends with 1 when a history breaks an invariant, after it has said which and how to replay it; or when a defect is not found.

let usage = "usage: rbd-plugin-simulate FIRST COUNT [MUTATION]\n       rbd-plugin-simulate mutations [rare]"
let words = Array(CommandLine.arguments.dropFirst())
let threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

if words == ["mutations"] || words == ["mutations", "rare"] {
    let areRare = words.count > 1
    let hunted = Mutation.allCases.filter { $0.isRare == areRare }
    var unfound = 0
    for mutation in hunted {
        let hunt = await Simulation.hunt(mutation, threads: threads)
        print("mutation \(mutation) (\(mutation.what)): \(hunt)")
        fflush(nil)
        if !hunt.isFound { unfound += 1 }
    }
    print("\(hunted.count) mutations, \(unfound) not found as they ought to be")
    let others = Mutation.allCases.filter { $0.isRare != areRare }.map(\.rawValue).joined(separator: ", ")
    if !areRare { print("not looked for, since they show too seldom ('mutations rare' looks for them): \(others)") }
    exit(unfound == 0 ? 0 : 1)
}
guard words.count >= 2, let first = Simulation.seed(words[0]), let count = UInt64(words[1]) else {
    print(usage)
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
if mutation == nil {
    print(report.summary)
    for lack in report.lacks { print("too few: \(lack)") }
}
exit(report.failures.isEmpty && (mutation != nil || report.lacks.isEmpty) ? 0 : 1)

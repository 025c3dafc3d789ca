import Fuzzing
import Glibc

// Gives the plugin's readers what nobody would write, for as long as is asked:
//
//   rbd-plugin-fuzz SECONDS [TARGET…]
//   rbd-plugin-fuzz --worker TARGET SEED SECONDS NOTE
//
// Each target has its time in a process of its own, which notes every input before it is read: one that ends the process,
// or holds it up, is known. What broke something is added to the corpus (Tests/FuzzCorpus), so that the tests fail until
// that is mended. Ends with 1 when anything broke. FUZZ_SEED repeats a run.

let usage =
    "usage: rbd-plugin-fuzz SECONDS [TARGET...]\n  targets: \(FuzzTargets.all.map(\.name).joined(separator: ", "))"
let words = Array(CommandLine.arguments.dropFirst())

if words.first == "--worker", words.count == 5, let target = FuzzTargets.all.first(where: { $0.name == words[1] }),
    let seed = UInt64(words[2]), let seconds = Double(words[3])
{
    exit(try await Worker(target, seed: seed, seconds: seconds, note: words[4]).run())
}
let unknown = words.dropFirst().filter { word in !FuzzTargets.all.contains { $0.name == word } }
guard let seconds = words.first.flatMap(Double.init), unknown.isEmpty else {
    print(usage)
    exit(2)
}
let chosen = FuzzTargets.all.filter { words.count == 1 || words.contains($0.name) }
let report = try await Supervisor(seconds: seconds, seed: Supervisor.seed).run(chosen)
print("\(report.executions) inputs for \(chosen.count) targets, \(report.findings) broke something")
exit(report.findings == 0 ? 0 : 1)

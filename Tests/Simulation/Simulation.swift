import Dispatch
import Synchronization

/// Runs histories: one, or many at a time.
public enum Simulation {
    /// A seed as a person writes it: a number, or `@` and a commit's hash for the first of that commit's own million.
    public static func seed(_ text: String) -> UInt64? {
        guard text.hasPrefix("@") else { return UInt64(text) }
        return UInt64(text.dropFirst().prefix(8), radix: 16).map { $0 * 1_000_000 + 1 }
    }

    /// Runs the history of one seed on the calling thread.
    public static func run(_ seed: UInt64, _ options: HistoryOptions, _ worlds: StartingWorlds) -> HistoryResult {
        History(seed: seed, options, worlds).run()
    }

    /// Runs the histories of all seeds, on as many threads as are asked for.
    /// - Parameter failures: after so many violations it stops.
    public static func run(
        _ seeds: ClosedRange<UInt64>, _ options: HistoryOptions, threads: Int, stoppingAfter failures: Int = 3
    ) async -> SimulationReport {
        let worlds = StartingWorlds()
        let next = Atomic<UInt64>(seeds.lowerBound)
        let report = Mutex(SimulationReport())
        let shared = Shared(next: next, report: report)
        await withTaskGroup { group in
            for number in 0..<max(1, threads) {
                group.addTask {
                    await onThread("simulation-\(number)") {
                        while let seed = shared.take(upTo: seeds.upperBound, failures) {
                            shared.add(run(seed, options, worlds))
                        }
                    }
                }
            }
        }
        return shared.report.withLock { $0 }
    }

    /// A history is long and never waits: it must not run on one of the few threads that all tasks share.
    private static func onThread(_ label: String, _ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: label).async {
                body()
                continuation.resume()
            }
        }
    }
}

/// What came of many histories.
public struct SimulationReport: Sendable {
    public internal(set) var histories = 0
    public internal(set) var steps = 0
    public internal(set) var failures: [HistoryResult] = []
    /// How often each kind of fault struck.
    public internal(set) var faults: [String: Int] = [:]
    /// How many requests ended well, and how many otherwise, by kind.
    public internal(set) var answers: [String: Int] = [:]

    public var summary: String {
        func list(_ counts: [String: Int]) -> String {
            counts.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        return "  answers: \(list(answers))\n  faults: \(list(faults))"
    }

    /// What many histories ought to see and these have hardly seen. A simulation in which nothing happens finds nothing.
    public var lacks: [String] {
        guard histories >= 10_000 else { return [] }
        let wanted = [
            "Mount: done", "Mount: timedOut", "Mount: ownedElsewhere", "Unmount: done", "Create: done",
            "Create: foreignImage", "Remove: done", "Remove: inUse", "Start: done",
        ]
        let rareFaults = Fault.allCases.map(\.rawValue).filter { faults[$0, default: 0] <= 50 }
        return wanted.filter { answers[$0, default: 0] <= 100 } + rareFaults
    }
}

/// What the threads share.
private final class Shared: Sendable {
    private let next: Atomic<UInt64>
    let report: Mutex<SimulationReport>

    init(next: consuming Atomic<UInt64>, report: consuming Mutex<SimulationReport>) {
        self.next = next
        self.report = report
    }

    func take(upTo last: UInt64, _ failures: Int) -> UInt64? {
        guard report.withLock({ $0.failures.count < failures }) else { return nil }
        let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return seed <= last ? seed : nil
    }

    func add(_ result: HistoryResult) {
        report.withLock { report in
            report.histories += 1
            report.steps += result.steps
            if result.violation != nil { report.failures.append(result) }
            for (fault, count) in result.faults { report.faults[fault.rawValue, default: 0] += count }
            for (answer, count) in result.answers { report.answers[answer, default: 0] += count }
        }
    }
}

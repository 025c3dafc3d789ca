/// All that doctor has looked at on one node.
public struct Examination: Sendable, Hashable {
    /// In the order of `Check`, and of their subjects as they were given.
    public let results: [CheckResult]

    public init(_ results: [CheckResult]) {
        let order = Dictionary(uniqueKeysWithValues: Check.allCases.enumerated().map { ($1, $0) })
        self.results = results.enumerated().sorted { one, other in
            (order[one.element.check] ?? 0, one.offset) < (order[other.element.check] ?? 0, other.offset)
        }.map(\.element)
    }

    public var findings: [Finding] { results.flatMap(\.findings) }

    /// The worst of all checks.
    public var verdict: Verdict { results.map(\.verdict).max() ?? .unknown }

    /// The program's exit status: 0 when all was looked at and nothing was found; 1 when something was found, whatever could not be
    /// looked at beside it; 2 when nothing was found and something could not be looked at.
    public var exitCode: Int32 {
        switch verdict {
        case .ok: 0
        case .warning, .fault: 1
        case .unknown: 2
        }
    }

    /// The verdict in a sentence.
    public var conclusion: String {
        let (faults, warnings) = (count(.fault), count(.warning))
        let unknown = results.count { $0.verdict == .unknown }
        let looks = unknown == 0 ? "" : " \(Self.number(unknown, "check")) could not be made."
        if faults + warnings == 0 {
            return unknown == 0
                ? "healthy: \(Self.number(results.count, "check")), nothing found."
                : "unknown: nothing was found, but not all was looked at.\(looks)"
        }
        let found = [(faults, "fault"), (warnings, "warning")].filter { $0.0 > 0 }.map(Self.number)
        return "\(verdict.rawValue): \(found.joined(separator: " and ")) found.\(looks)"
    }

    private func count(_ verdict: Verdict) -> Int { findings.count { $0.verdict == verdict } }

    private static func number(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

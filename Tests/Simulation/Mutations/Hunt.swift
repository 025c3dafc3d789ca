extension Simulation {
    /// Looks for a history that shows a deliberate defect. One that breaks something else is passed over, a few times.
    public static func hunt(_ mutation: Mutation, threads: Int) async -> Hunt {
        let most = mutation.isRare ? Hunt.mostOfRare : Hunt.most
        var (first, histories, others): (UInt64, Int, Int) = (1, 0, 0)
        while true {
            let report = await run(
                first...most, HistoryOptions(mutation: mutation), threads: threads, stoppingAfter: 1)
            histories += report.histories
            let hunt = Hunt(mutation: mutation, histories: histories, found: report.failures.first)
            guard let found = hunt.found, !hunt.isFound, others < Hunt.mostOthers, found.seed < most else {
                return hunt
            }
            others += 1
            first = found.seed + 1
        }
    }
}

/// What came of looking for a deliberate defect.
public struct Hunt: Sendable, CustomStringConvertible {
    /// A defect that shows more seldom than once in so many histories is not found.
    static let most: UInt64 = 150_000
    static let mostOfRare: UInt64 = 2_000_000
    /// So many histories may break for another reason.
    static let mostOthers = 3

    let mutation: Mutation
    let histories: Int
    let found: HistoryResult?

    /// Whether it was found, and for one of the reasons that it is a defect.
    public var isFound: Bool { found?.violation.map { mutation.breaks.contains($0.invariant) } ?? false }

    public var description: String {
        guard let found else { return "not found in \(histories) histories" }
        let violation = found.violation?.description ?? "?"
        return "found by seed \(found.seed)\(isFound ? "" : " for another reason"), \(violation)"
    }
}

extension Simulation {
    /// Looks for the history that shows a deliberate defect.
    public static func hunt(_ mutation: Mutation, threads: Int) async -> Hunt {
        let most = mutation.isRare ? Hunt.mostOfRare : Hunt.most
        let report = await run(1...most, HistoryOptions(mutation: mutation), threads: threads, stoppingAfter: 1)
        return Hunt(mutation: mutation, histories: report.histories, found: report.failures.first)
    }
}

/// What came of looking for a deliberate defect.
public struct Hunt: Sendable, CustomStringConvertible {
    /// A defect that shows more seldom than once in so many histories is not found.
    static let most: UInt64 = 150_000
    static let mostOfRare: UInt64 = 2_000_000

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

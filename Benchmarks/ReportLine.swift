/// One line of the report: something the plugin did or needs, against what it is measured by in the same run.
struct ReportLine: Sendable, Encodable {
    var what: String
    /// Of times the median.
    var value: Double
    /// Of times only.
    var p95: Double?
    /// Of all values of this line.
    var unit: Unit
    var baseline: String
    var baselineValue: Double
    var ratio: Double
    /// The ratio that was set as the goal; nil for lines that only inform.
    var goal: Double?
    var verdict: String

    enum Unit: String, Encodable {
        case milliseconds = "ms"
        case megabytes = "MB"
        /// Those that wait for each other.
        case roundTrips = "round trips"
    }

    /// Something that takes time, again and again.
    /// - Parameter byP95: whether it is the 95th percentile that is compared, and not the median.
    init(
        _ what: String, _ measured: Samples, against baseline: String, _ base: Duration, goal: Double?, byP95: Bool
    ) {
        let (median, p95) = (measured.median.milliseconds, measured.p95.milliseconds)
        self.init(
            what, median, .milliseconds, against: baseline, base.milliseconds,
            ratio: (byP95 ? p95 : median) / max(base.milliseconds, 0.000_001), goal: goal)
        self.p95 = p95
    }

    /// An amount of something.
    init(_ what: String, _ amount: Double, _ unit: Unit, against baseline: String, _ base: Double, goal: Double?) {
        self.init(what, amount, unit, against: baseline, base, ratio: amount / base, goal: goal)
    }

    private init(
        _ what: String, _ value: Double, _ unit: Unit, against baseline: String, _ base: Double, ratio: Double,
        goal: Double?
    ) {
        self.what = what
        self.value = value
        self.unit = unit
        self.baseline = baseline
        baselineValue = base
        self.ratio = ratio
        self.goal = goal
        verdict = goal.map { ratio <= $0 ? "reached" : "missed" } ?? ""
    }
}

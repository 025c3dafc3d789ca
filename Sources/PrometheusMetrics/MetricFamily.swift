/// What Prometheus calls a metric's type.
enum MetricKind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// All series of one name.
struct MetricFamily: Sendable {
    let kind: MetricKind
    var series: [LabelSet: any Series] = [:]
    /// Series that come and go: each scrape asks for them.
    var changing: (@Sendable () -> [LabelledValue])?

    /// What a scrape shows.
    var allSeries: [LabelSet: any Series] {
        var all = series
        for sample in changing?() ?? [] {
            let labels = LabelSet(sample.labels)
            if all[labels] == nil { all[labels] = ComputedSeries { sample.value } }
        }
        return all
    }
}

/// The value of one series at one moment.
public struct LabelledValue: Sendable {
    public var labels: [(String, String)]
    public var value: Double

    public init(_ labels: [(String, String)], _ value: Double) {
        self.labels = labels
        self.value = value
    }
}

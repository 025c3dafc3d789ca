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
}

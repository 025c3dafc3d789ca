import CoreMetrics
import Synchronization

/// A swift-metrics backend that renders everything it counted as Prometheus text (format 0.0.4).
///
/// Timers and recorders that aggregate become histograms, in seconds for timers. Asking twice for the same label and
/// dimensions gives the same series. Where one name is used for two kinds of metric, the later kind's name gets that
/// kind as a suffix, because a name with two types would spoil the whole scrape.
///
/// The registry's lock is held to look a series up, never while a value is computed or text is made; each series has a
/// lock of its own.
public final class PrometheusRegistry: MetricsFactory {
    /// Upper bounds in seconds that fit calls between 5 ms and a minute.
    public static let latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60]

    /// Upper bounds for recorders that aggregate, whose unit nobody knows here.
    public static let recorderBuckets = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000.0]

    private let families = Mutex<[String: MetricFamily]>([:])
    private let help: Mutex<[String: String]>
    private let timerBuckets: [Double]
    private let aggregateBuckets: [Double]

    /// - Parameters:
    ///   - help: what each metric means, by its name.
    ///   - timerBuckets: upper bounds of timers, in seconds.
    ///   - recorderBuckets: upper bounds of recorders that aggregate, in the recorder's own unit.
    public init(
        help: [String: String] = [:],
        timerBuckets: [Double] = PrometheusRegistry.latencyBuckets,
        recorderBuckets: [Double] = PrometheusRegistry.recorderBuckets
    ) {
        self.help = Mutex(help)
        self.timerBuckets = timerBuckets
        self.aggregateBuckets = recorderBuckets
    }

    /// Says what a metric means; shown as its `# HELP` line.
    public func describe(_ name: String, _ text: String) {
        help.withLock { $0[MetricName.sanitised(name)] = text }
    }

    /// Registers a gauge whose value is computed at each scrape. `value` is called from whoever scrapes, without any
    /// lock of the registry held; it must not block. Registering the same name and labels again replaces it.
    public func registerGauge(
        _ name: String, help text: String, labels: [(String, String)] = [], _ value: @escaping @Sendable () -> Double
    ) {
        register(name, .gauge, help: text, labels, value)
    }

    /// Registers a counter whose value is read at each scrape, as that of a gauge is. It must never fall.
    public func registerCounter(
        _ name: String, help text: String, labels: [(String, String)] = [], _ value: @escaping @Sendable () -> Double
    ) {
        register(name, .counter, help: text, labels, value)
    }

    /// Registers gauges whose number changes, as that of volumes does: which there are, and their values, is asked at each scrape,
    /// as `registerGauge` does. Where two have the same labels, the first one counts.
    public func registerGauges(_ name: String, help text: String, _ values: @escaping @Sendable () -> [LabelledValue]) {
        register(name, .gauge, help: text, values)
    }

    /// Registers counters whose number changes, as `registerGauges` does gauges. Each must never fall for as long as it is shown.
    public func registerCounters(
        _ name: String, help text: String, _ values: @escaping @Sendable () -> [LabelledValue]
    ) {
        register(name, .counter, help: text, values)
    }

    private func register(
        _ name: String, _ kind: MetricKind, help text: String, _ values: @escaping @Sendable () -> [LabelledValue]
    ) {
        describe(name, text)
        families.withLock {
            let name = Self.familyName(for: MetricName.sanitised(name), kind: kind, in: $0)
            $0[name, default: MetricFamily(kind: kind)].changing = values
        }
    }

    private func register(
        _ name: String, _ kind: MetricKind, help text: String, _ labels: [(String, String)],
        _ value: @escaping @Sendable () -> Double
    ) {
        describe(name, text)
        let series = ComputedSeries(value)
        families.withLock {
            let name = Self.familyName(for: MetricName.sanitised(name), kind: kind, in: $0)
            $0[name, default: MetricFamily(kind: kind)].series[LabelSet(labels)] = series
        }
    }

    /// Everything counted so far as text, families by name and series by labels.
    public func render() -> String {
        let families = families.withLock { $0 }
        let help = help.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            let series = family.allSeries
            guard !series.isEmpty else { continue }
            text += Exposition.header(name: name, help: help[name], kind: family.kind)
            for (labels, series) in series.sorted(by: { $0.key < $1.key }) {
                for sample in series.samples() {
                    text += Exposition.line(name: name, labels: labels, sample: sample)
                }
            }
        }
        return text
    }

    /// The series of that name, kind and labels; made when there is none. A series that a scrape computes is replaced
    /// by one that can be set.
    private func series<Wanted: Series>(
        _ name: String, _ dimensions: [(String, String)], kind: MetricKind, make: () -> Wanted
    ) -> Wanted {
        let labels = LabelSet(dimensions)
        return families.withLock {
            let name = Self.familyName(for: MetricName.sanitised(name), kind: kind, in: $0)
            if let existing = $0[name]?.series[labels] as? Wanted {
                return existing
            }
            let new = make()
            $0[name, default: MetricFamily(kind: kind)].series[labels] = new
            return new
        }
    }

    private static func familyName(for name: String, kind: MetricKind, in families: [String: MetricFamily]) -> String {
        var name = name
        while let family = families[name], family.kind != kind {
            name += "_\(kind.rawValue)"
        }
        return name
    }

    private func forget(_ handler: AnyObject) {
        families.withLock {
            $0 = $0.mapValues { family in
                var family = family
                family.series = family.series.filter { $0.value !== handler }
                return family
            }
        }
    }
}

// MARK: - MetricsFactory

extension PrometheusRegistry {
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, kind: .counter) { CounterSeries() }
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, kind: .counter) { CounterSeries() }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, kind: .gauge) { GaugeSeries() }
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        aggregate
            ? series(label, dimensions, kind: .histogram) { HistogramSeries(bounds: aggregateBuckets) }
            : series(label, dimensions, kind: .gauge) { GaugeSeries() }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, kind: .histogram) { HistogramSeries(bounds: timerBuckets) }
    }

    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }
}

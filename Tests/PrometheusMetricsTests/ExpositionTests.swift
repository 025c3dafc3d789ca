import CoreMetrics
import Synchronization
import Testing

@testable import PrometheusMetrics

@Suite("Text format")
struct ExpositionTests {
    @Test("Counters, gauges and histograms come out as Prometheus reads them, in a fixed order")
    func golden() {
        let registry = PrometheusRegistry(
            help: ["operations_total": "Operations by kind and outcome."], timerBuckets: [0.1, 1])
        Gauge(label: "volumes", factory: registry).record(3)
        Counter(label: "operations_total", dimensions: [("outcome", "ok"), ("operation", "mount")], factory: registry)
            .increment(by: 2)
        Counter(label: "operations_total", dimensions: [("operation", "create"), ("outcome", "ok")], factory: registry)
            .increment()
        let timer = Timer(label: "duration_seconds", dimensions: [("operation", "mount")], factory: registry)
        timer.recordNanoseconds(50_000_000)
        timer.recordNanoseconds(100_000_000)
        timer.recordNanoseconds(500_000_000)
        timer.recordNanoseconds(2_000_000_000)

        #expect(
            registry.render() == """
                # TYPE duration_seconds histogram
                duration_seconds_bucket{operation="mount",le="0.1"} 2
                duration_seconds_bucket{operation="mount",le="1"} 3
                duration_seconds_bucket{operation="mount",le="+Inf"} 4
                duration_seconds_sum{operation="mount"} 2.65
                duration_seconds_count{operation="mount"} 4
                # HELP operations_total Operations by kind and outcome.
                # TYPE operations_total counter
                operations_total{operation="create",outcome="ok"} 1
                operations_total{operation="mount",outcome="ok"} 2
                # TYPE volumes gauge
                volumes 3

                """)
    }

    @Test("Series come and go with what they are of; a family without any is not shown")
    func changing() {
        let registry = PrometheusRegistry()
        let volumes = Mutex(["db", "cache"])
        registry.registerGauges("size", help: "A size.") {
            volumes.withLock { $0 }.enumerated().map { LabelledValue([("volume", $1)], Double($0)) }
        }
        registry.registerCounters("reads_total", help: "Reads.") { [] }
        #expect(
            registry.render()
                == "# HELP size A size.\n# TYPE size gauge\nsize{volume=\"cache\"} 1\nsize{volume=\"db\"} 0\n")
        volumes.withLock { $0 = ["cache", "cache"] }
        #expect(registry.render().hasSuffix("gauge\nsize{volume=\"cache\"} 0\n"))
        volumes.withLock { $0 = [] }
        #expect(registry.render() == "")
    }

    @Test("An empty registry renders nothing")
    func empty() {
        #expect(PrometheusRegistry().render() == "")
    }

    @Test("Backslashes, quotes and line feeds are escaped, also behind a carriage return")
    func escaping() {
        let registry = PrometheusRegistry()
        registry.registerGauge("g", help: "a\\b\n\"c\"", labels: [("path", "C:\\x\"y\"\r\nz")]) { 1 }
        #expect(
            registry.render()
                == "# HELP g a\\\\b\\n\"c\"\n# TYPE g gauge\ng{path=\"C:\\\\x\\\"y\\\"\r\\nz\"} 1\n")
    }

    @Test(
        "Numbers are printed as Prometheus parses them",
        arguments: [
            (0.0, "0"), (-1, "-1"), (0.25, "0.25"), (1e-5, "1e-05"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"), (9_007_199_254_740_992, "9007199254740992"),
        ])
    func numbers(value: Double, text: String) {
        #expect(Exposition.number(value) == text)
    }

    @Test(
        "Metric names are made legal",
        arguments: [
            ("rbd_plugin_operations_total", "rbd_plugin_operations_total"), ("a:b", "a:b"), ("a.b-c d", "a_b_c_d"),
            ("9lives", "_9lives"), ("", "_"), ("ü", "__"),
        ])
    func metricNames(raw: String, name: String) {
        #expect(MetricName.sanitised(raw) == name)
    }

    @Test(
        "Label names are made legal and keep away from reserved ones",
        arguments: [
            ("operation", "operation"), ("a:b", "a_b"), ("1st", "_1st"), ("le", "exported_le"), ("__name__", "_name__"),
            ("", "_"),
        ])
    func labelNames(raw: String, name: String) {
        #expect(MetricName.sanitisedLabel(raw) == name)
    }

    @Test("Two label names that become the same are one label, the first value wins")
    func collidingLabels() {
        let labels = LabelSet([("a.b", "first"), ("a-b", "second")])
        #expect(labels.pairs == [LabelSet.Pair(name: "a_b", value: "first")])
    }
}

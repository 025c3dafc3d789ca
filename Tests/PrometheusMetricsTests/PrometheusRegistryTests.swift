import CoreMetrics
import PrometheusMetrics
import Testing

@Suite("Registry")
struct PrometheusRegistryTests {
    let registry = PrometheusRegistry(timerBuckets: [1], recorderBuckets: [10, 100])

    @Test("The same name and labels, in whatever order, are one series")
    func sameSeries() {
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        #expect(registry.render() == "# TYPE c counter\nc{a=\"1\",b=\"2\"} 2\n")
    }

    @Test("Nothing is lost when many tasks count at once while others scrape")
    func concurrentIncrements() async {
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<16 {
                group.addTask { [registry] in
                    for _ in 0..<500 {
                        Counter(label: "c", factory: registry).increment()
                        FloatingPointCounter(label: "f", factory: registry).increment(by: 0.5)
                        Meter(label: "m", factory: registry).increment(by: 2)
                        Meter(label: "m", factory: registry).decrement(by: 1)
                        Timer(label: "t", factory: registry).recordNanoseconds(500_000_000)
                    }
                    if worker % 4 == 0 { _ = registry.render() }
                }
            }
        }
        #expect(
            registry.render() == """
                # TYPE c counter
                c 8000
                # TYPE f counter
                f 4000
                # TYPE m gauge
                m 8000
                # TYPE t histogram
                t_bucket{le="1"} 8000
                t_bucket{le="+Inf"} 8000
                t_sum 4000
                t_count 8000

                """)
    }

    @Test("A counter can be reset, a meter set, a gauge overwritten")
    func setters() {
        let counter = Counter(label: "c", factory: registry)
        counter.increment(by: 5)
        counter.reset()
        let meter = Meter(label: "m", factory: registry)
        meter.set(7)
        meter.set(2.5)
        let gauge = Gauge(label: "g", factory: registry)
        gauge.record(1)
        gauge.record(4)
        #expect(
            registry.render() == "# TYPE c counter\nc 0\n# TYPE g gauge\ng 4\n# TYPE m gauge\nm 2.5\n")
    }

    @Test("A recorder that aggregates is a histogram in its own unit")
    func recorder() {
        let recorder = Recorder(label: "bytes", factory: registry)
        for value in [1, 10, 11, 1000] { recorder.record(value) }
        #expect(
            registry.render() == """
                # TYPE bytes histogram
                bytes_bucket{le="10"} 2
                bytes_bucket{le="100"} 3
                bytes_bucket{le="+Inf"} 4
                bytes_sum 1022
                bytes_count 4

                """)
    }

    @Test("A computed gauge is asked at each scrape, and registering it again replaces it")
    func computedGauge() {
        let source = Counter(label: "scrapes", factory: registry)
        registry.registerGauge("backend_healthy", help: "1 when it answers.", labels: [("backend", "etcd")]) {
            source.increment()
            return 0
        }
        registry.registerGauge("backend_healthy", help: "1 when it answers.", labels: [("backend", "ceph")]) { 1 }
        _ = registry.render()
        let second = registry.render()
        #expect(
            second.hasPrefix(
                """
                # HELP backend_healthy 1 when it answers.
                # TYPE backend_healthy gauge
                backend_healthy{backend="ceph"} 1
                backend_healthy{backend="etcd"} 0
                """))
        #expect(second.contains("scrapes 2\n"))
        registry.registerGauge("backend_healthy", help: "1 when it answers.", labels: [("backend", "etcd")]) { 1 }
        #expect(registry.render().contains("backend_healthy{backend=\"etcd\"} 1\n"))
    }

    @Test("A computed counter is read at each scrape")
    func computedCounter() {
        registry.registerCounter("lost_total", help: "What was lost.") { 3 }
        #expect(registry.render() == "# HELP lost_total What was lost.\n# TYPE lost_total counter\nlost_total 3\n")
    }

    @Test("A name used for two kinds of metric keeps both, under two names")
    func conflictingKinds() {
        Counter(label: "x", factory: registry).increment()
        Gauge(label: "x", factory: registry).record(2)
        #expect(registry.render() == "# TYPE x counter\nx 1\n# TYPE x_gauge gauge\nx_gauge 2\n")
    }

    @Test("A destroyed metric is no longer shown and starts again from zero")
    func destroy() {
        let counter = Counter(label: "c", factory: registry)
        counter.increment(by: 3)
        counter.destroy()
        #expect(registry.render() == "")
        Counter(label: "c", factory: registry).increment()
        #expect(registry.render() == "# TYPE c counter\nc 1\n")
    }

    @Test("Latency buckets reach from 5 ms to a minute")
    func latencyBuckets() {
        let registry = PrometheusRegistry()
        Timer(label: "t", factory: registry).recordNanoseconds(61_000_000_000)
        let text = registry.render()
        #expect(text.contains("t_bucket{le=\"0.005\"} 0\n"))
        #expect(text.contains("t_bucket{le=\"60\"} 0\n"))
        #expect(text.contains("t_bucket{le=\"+Inf\"} 1\n"))
    }
}

import PrometheusMetrics
import Testing

@testable import VolumeLoad

/// Reading what the plugin's registry writes.
@Suite("A scrape is read") struct ScrapeTests {
    @Test("What the registry writes is read back, whatever is in a label")
    func readBack() {
        let registry = PrometheusRegistry()
        let names = ["db", "a \"b\" \\ c", "x}y{z", "line\nfeed", "comma,equals=\"", "tail\\", "ü\r\n"]
        registry.registerGauges("size_bytes", help: "A \"size\", in\nbytes.") {
            names.enumerated().map { LabelledValue([("volume", $1), ("pool", "rbd")], Double($0) + 0.5) }
        }
        registry.registerGauge("plain", help: "No labels.") { 1e21 }
        let scrape = Scrape(parsing: registry.render())
        for (index, name) in names.enumerated() {
            let series = Scrape.Series("size_bytes", ["volume": name, "pool": "rbd"])
            #expect(scrape.values[series] == Double(index) + 0.5, "\(name)")
        }
        #expect(scrape.values[Scrape.Series("plain")] == 1e21)
    }

    @Test("What is no sample counts for nothing")
    func noSamples() {
        let text = "# TYPE a gauge\n\na{b=\"c\n a 1\nb{c=\"d\"} x\nc{d} 1\n{} 1\nd\ne{f=\"g\",} 2 1700000000\n"
        #expect(Scrape(parsing: text).values == [Scrape.Series("e", ["f": "g"]): 2])
        #expect(Scrape(parsing: "").values.isEmpty)
    }
}

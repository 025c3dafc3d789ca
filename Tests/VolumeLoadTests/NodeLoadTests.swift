import Testing

@testable import VolumeLoad

/// What two looks at a node's metrics say of its volumes.
@Suite("What volumes do between two looks") struct NodeLoadTests {
    /// The metrics of one volume, whose device has ended so many reads and writes.
    private func scrape(_ volume: String, reads: Int, writes: Int, more: String = "") -> String {
        let labels = "{volume=\"\(volume)\",pool=\"rbd\"}"
        func counter(_ name: String, _ value: Double) -> String {
            "rbd_plugin_volume_\(name)_total\(labels) \(value)\n"
        }
        return "rbd_plugin_volume_size_bytes\(labels) 1048576\n"
            + counter("reads", Double(reads)) + counter("writes", Double(writes))
            + counter("read_bytes", Double(reads) * 4096) + counter("written_bytes", Double(writes) * 8192)
            + counter("read_seconds", Double(reads) * 0.002) + counter("write_seconds", Double(writes) * 0.01) + more
    }

    @Test("Rates are what has come between the two, a second; the time of one is its average")
    func rates() throws {
        let before = Scrape(parsing: scrape("db", reads: 100, writes: 50))
        let now = Scrape(parsing: scrape("db", reads: 300, writes: 50))
        let load = try #require(NodeLoad(now, since: before, seconds: 4).volumes.first)
        let rates = try #require(load.rates)
        #expect((load.volume, load.pool, load.size) == ("db", "rbd", 1_048_576))
        #expect(rates.reads == 50 && rates.readBytes == 50 * 4096 && rates.writes == 0 && rates.writtenBytes == 0)
        #expect(rates.readMilliseconds.map { abs($0 - 2) < 0.001 } == true)
        #expect(rates.writeMilliseconds == nil, "none has ended")
    }

    @Test("A volume that came between the two, or whose device was mapped anew, has no rates")
    func noRates() {
        let now = Scrape(parsing: scrape("db", reads: 10, writes: 10))
        for before in [nil, Scrape(parsing: ""), Scrape(parsing: scrape("db", reads: 11, writes: 0))] {
            let volumes = NodeLoad(now, since: before, seconds: 1).volumes
            #expect(volumes.count == 1 && volumes.first?.rates == nil)
        }
        #expect(NodeLoad(now, since: now, seconds: 0).volumes.first?.rates == nil)
        #expect(NodeLoad(Scrape(parsing: ""), since: now, seconds: 1).volumes.isEmpty, "it is mounted no more")
    }

    @Test("The busiest comes first: by bytes, then by operations, then by name")
    func order() {
        func load(_ operations: [String: Int]) -> Scrape {
            Scrape(parsing: operations.map { scrape($0, reads: $1, writes: 0) }.joined())
        }
        let before = load(["a": 0, "b": 0, "c": 0, "d": 5])
        let now = load(["a": 1, "b": 7, "c": 1, "d": 5, "new": 9])
        #expect(NodeLoad(now, since: before, seconds: 1).volumes.map(\.volume) == ["b", "a", "c", "d", "new"])
    }

    @Test("Fullness is of what containers can use, as df has it; a filesystem without a table of inodes has none")
    func fullness() throws {
        func full(_ more: String) throws -> VolumeLoad {
            let lines = more.split(separator: "\n").map { line in
                let words = line.split(separator: " ")
                return "rbd_plugin_volume_\(words[0]){volume=\"db\",pool=\"rbd\"} \(words[1])\n"
            }
            let scrape = Scrape(parsing: scrape("db", reads: 0, writes: 0, more: lines.joined()))
            return try #require(NodeLoad(scrape, since: nil, seconds: 1).volumes.first)
        }
        let load = try full("used_bytes 300\navailable_bytes 100\ninodes 1000\nused_inodes 10\nio_in_flight 3")
        #expect((load.full, load.inodesFull, load.inFlight, load.used) == (75, 1, 3, 300))
        let none = try full("inodes 0\nused_inodes 0")
        #expect(none.full == nil && none.inodesFull == nil, "it did not answer, and has no table")
        #expect(try full("used_bytes -1\navailable_bytes 5\nio_in_flight 1e30").inFlight == nil)
    }

    @Test("Limits are those of the volume, and what has no metrics of its own is counted")
    func limits() throws {
        let limit = "rbd_plugin_volume_limit{volume=\"%\",pool=\"rbd\",limit=\"write-bps\"} "
        let text = scrape(
            "db", reads: 0, writes: 0,
            more: limit.replacing("%", with: "db") + "1000\n" + limit.replacing("%", with: "other") + "5\n")
        let load = NodeLoad(
            Scrape(parsing: text + "rbd_plugin_volumes_without_metrics 12\n"), since: nil, seconds: 1)
        #expect(load.volumes.map(\.limits) == [["write-bps": 1000]])
        #expect(load.leftOut == 12)
    }
}

import Testing

@testable import VolumeCore

@Suite struct HistorySweepTests {
    private let start = WallTime(seconds: 1_790_000_000)
    private let day = Duration.seconds(86_400)

    private func key(_ days: Int, _ volume: String = "db", by node: String = "n1", _ number: Int = 0) throws
        -> HistoryKey
    {
        HistoryKey(
            at: start + day * days + .seconds(number), node: node, token: "t\(number)", volume: try VolumeName(volume))
    }

    @Test("What is older than it is to be kept is due, and nothing else")
    func age() throws {
        let keys = try [key(0), key(1), key(2)]
        let bounds = HistoryBounds(keep: day * 30)
        #expect(HistorySweep.due(keys, bounds: bounds, me: "n1", at: start + day * 30) == [])
        #expect(
            HistorySweep.due(keys, bounds: bounds, me: "n1", at: start + day * 31 + .seconds(1)) == Array(keys[..<2]))
    }

    @Test("A node whose clock is years ahead takes away no more than a day of what others have written")
    func clock() throws {
        let keys = try [key(0, by: "n2"), key(20, by: "n2"), key(31, by: "n1")]
        let bounds = HistoryBounds(keep: day * 30)
        let far = start + day * 3650
        #expect(HistorySweep.due(keys, bounds: bounds, me: "n1", at: far) == [])
        #expect(HistorySweep.due(keys, bounds: bounds, me: "n2", at: far) == [keys[0]])
        #expect(HistorySweep.due(try [key(0), key(1)], bounds: bounds, me: "n1", at: far).count == 2)
    }

    @Test("Of one volume the newest entries stay, and a busy volume does not push out the history of others")
    func perVolume() throws {
        let quiet = try key(0, "quiet")
        let busy = try (1...10).map { try key(1, "busy", $0) }
        let bounds = HistoryBounds(keep: day * 30, perVolume: 4, inAll: 5)
        let due = HistorySweep.due([quiet] + busy, bounds: bounds, me: "n1", at: start + day * 2)
        #expect(due == Array(busy[..<6]))
    }

    @Test("Beyond the bound of all, the oldest go")
    func inAll() throws {
        let keys = try (0..<10).map { try key(0, "v\($0)", $0) }
        let bounds = HistoryBounds(keep: day * 30, perVolume: 4, inAll: 7)
        #expect(HistorySweep.due(keys, bounds: bounds, me: "n1", at: start + day) == Array(keys[..<3]))
    }

    @Test("A key says what it says, and what the plugin would not have written is none")
    func keys() throws {
        let key = try key(3, "a.b-c", by: "rack-7.example", 5)
        #expect(HistoryKey("\(key)") == key)
        for text in ["", "x", "\(key)/more", "2026-01-01/n/t/v", "\(start)/n/t/..", "\(start)//t/v", "\(start)/n//v"] {
            #expect(HistoryKey(text) == nil, "\(text)")
        }
    }
}

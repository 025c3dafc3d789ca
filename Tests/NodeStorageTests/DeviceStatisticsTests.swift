import Testing

@testable import NodeStorage

@Suite("Statistics of block devices") struct DeviceStatisticsTests {
    @Test("The kernel's line is read by its documented places")
    func line() throws {
        let line =
            "     446       40    19290      257      120       33     5000     1900        3      416      457       2        0     4096       11"
        let found = try #require(DeviceStatistics(line))
        #expect(found.reads == 446 && found.readBytes == 19290 * 512 && found.readTime == .milliseconds(257))
        #expect(found.writes == 120 && found.writtenBytes == 5000 * 512 && found.writeTime == .milliseconds(1900))
        #expect(found.inFlight == 3)
    }

    @Test("What is no such line says nothing", arguments: ["", "1 2 3", "a b c d e f g h i", "1 2 3 4 5 6 7 8 -9"])
    func garbage(line: String) {
        #expect(DeviceStatistics(line) == nil)
    }
}

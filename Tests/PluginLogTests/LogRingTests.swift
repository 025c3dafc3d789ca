import Testing

@testable import PluginLog

/// What is kept of lines that nobody takes.
@Suite struct LogRingTests {
    /// Room for three lines of the size of `line(_:)`.
    private func ring() -> LogRing { LogRing(capacity: 3 * (64 + 8)) }

    private func line(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(number), count: 8) }

    private func rest(_ ring: inout LogRing) -> [LogRing.Next] {
        var all: [LogRing.Next] = []
        while let next = ring.next() { all.append(next) }
        return all
    }

    @Test("E12: lines come out as they went in, whatever their level")
    func e12Order() {
        var ring = ring()
        for number in 0..<3 { ring.add(line(number), isGrave: number == 1) }
        #expect(rest(&ring) == (0..<3).map { LogRing.Next(line: line($0), dropped: 0) })
        #expect(ring.isEmpty && ring.dropped == 0)
    }

    @Test("E12: when it is full the oldest lines go, and the next one tells how many, once")
    func e12Full() {
        var ring = ring()
        for number in 0..<8 { ring.add(line(number), isGrave: false) }
        #expect(rest(&ring) == [(5, 5), (6, 0), (7, 0)].map { LogRing.Next(line: line($0), dropped: $1) })
        #expect(ring.dropped == 5)
        ring.add(line(9), isGrave: false)
        #expect(ring.next() == .init(line: line(9), dropped: 0))
    }

    @Test("E12: warnings are dropped last: any other line makes room for them, and none takes their place")
    func e12Grave() {
        var ring = ring()
        ring.add(line(0), isGrave: true)
        for number in 1..<4 { ring.add(line(number), isGrave: false) }
        ring.add(line(4), isGrave: true)
        ring.add(line(5), isGrave: true)
        ring.add(line(6), isGrave: false)
        #expect(rest(&ring) == [(0, 4), (4, 0), (5, 0)].map { LogRing.Next(line: line($0), dropped: $1) })
        for number in 0..<5 { ring.add(line(number), isGrave: true) }
        #expect(rest(&ring).map(\.line) == [2, 3, 4].map(line), "among warnings the oldest go")
    }

    @Test("E12: a line that would fit only into an empty ring of another size is dropped, and nothing for it")
    func e12TooLong() {
        var ring = ring()
        ring.add(line(0), isGrave: false)
        ring.add([UInt8](repeating: 1, count: 1000), isGrave: true)
        #expect(rest(&ring) == [.init(line: line(0), dropped: 1)])
    }

    @Test("E12: what was dropped and could not be told is told later; however many lines pass, none is lost uncounted")
    func e12Untold() {
        var ring = ring()
        var (told, taken) = (0, 0)
        for number in 0..<1000 {
            ring.add(line(number % 256), isGrave: number % 7 == 0)
            guard number % 5 == 0, let next = ring.next() else { continue }
            taken += 1
            if number % 10 == 0 { ring.keepUntold(next.dropped) } else { told += next.dropped }
        }
        for next in rest(&ring) {
            taken += 1
            told += next.dropped
        }
        #expect(told == ring.dropped && taken + ring.dropped == 1000)
    }
}

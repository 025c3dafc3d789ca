import Rig
import Testing

/// The judge of the other tests finds what it is there to find.
@Suite("Record log")
struct RecordLogTests {
    private static let sums = (1...6).map { String(repeating: "\($0)", count: 64) }

    /// Records of writers `a` and `b`: `["a1", "a2", "b1"]`, with the checksums 1…, 2…, 3… in this order.
    private static func text(_ names: [String]) -> String {
        zip(names, sums).map { name, sum in
            let words = "\(name.prefix(1)) \(name.dropFirst()) 00ff"
            return words + String(repeating: " ", count: 190 - words.utf8.count) + " \(sum)\n"
        }.joined()
    }

    private static func log(_ names: [String]) throws -> RecordLog {
        try RecordLog(text(names), sums: Array(sums.prefix(names.count)))
    }

    private static func acknowledged(_ writer: String, _ sums: ArraySlice<String>, unheard: Int = 0)
        -> RecordLog.Acknowledged
    {
        RecordLog.Acknowledged(writer: writer, checksums: Array(sums), unheard: unheard)
    }

    @Test("All records of both, in turn, are as they should be")
    func complete() throws {
        let log = try Self.log(["a1", "a2", "b1"])
        try log.expect([Self.acknowledged("a", Self.sums[0..<2]), Self.acknowledged("b", Self.sums[2..<3])])
        try log.expect([
            Self.acknowledged("a", Self.sums[0..<1], unheard: 1), Self.acknowledged("b", Self.sums[2..<3]),
        ])
    }

    @Test(
        "A record that is missing, doubled, late or nobody's is found",
        arguments: [
            ["a1", "b1"], ["a1", "a2"], ["a1", "a3", "b1"], ["a1", "a2", "b1", "b2"], ["a1", "a2", "b1", "a3"],
            ["a1", "a2", "a3", "b1"], ["b1", "a1", "a2"], ["a1", "a2", "b1", "c1"], [],
        ])
    func incomplete(names: [String]) throws {
        let log = try Self.log(names)
        #expect(throws: RigFailure.self) {
            try log.expect([Self.acknowledged("a", Self.sums[0..<2]), Self.acknowledged("b", Self.sums[2..<3])])
        }
    }

    @Test("A record with another content than was acknowledged is found")
    func exchanged() throws {
        let log = try Self.log(["a1", "a2"])
        #expect(throws: RigFailure.self) { try log.expect([Self.acknowledged("a", Self.sums[1..<3])]) }
    }

    @Test("A record that is torn, short or does not fit its checksum is found")
    func damaged() throws {
        let whole = Self.text(["a1", "a2"])
        let sums = Array(Self.sums.prefix(2))
        #expect(throws: RigFailure.self) { try RecordLog(String(whole.dropLast(1)), sums: sums) }
        #expect(throws: RigFailure.self) { try RecordLog(String(whole.dropFirst(1)), sums: sums) }
        #expect(throws: RigFailure.self) { try RecordLog(whole, sums: [sums[1], sums[0]]) }
        #expect(throws: RigFailure.self) { try RecordLog(whole, sums: [sums[0]]) }
    }
}

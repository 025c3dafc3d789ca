import Doctor
import Testing

/// Each finding by itself: one thing is wrong, and it is that one that is told.
@Suite("Doctor's findings")
struct FindingTests {
    @Test("Where nothing is wrong, nothing is found, and each check says what it saw")
    func healthy() {
        let examination = Examination(Seen().results)
        #expect(examination.findings == [])
        #expect(examination.verdict == .ok && examination.exitCode == 0)
        #expect(examination.results.allSatisfy { !$0.summary.isEmpty })
        #expect(Set(examination.results.map(\.check)) == Set(Check.allCases))
    }

    @Test("One thing that is wrong is one finding, which names it and says what to do", arguments: FindingCode.allCases)
    func planted(code: FindingCode) throws {
        let (seen, names) = Planted.scene(of: code)
        #expect(seen.codes == [code])
        let finding = try #require(seen.results.flatMap(\.findings).first)
        #expect(finding.what.contains(names), "\(finding.what)")
        #expect(!finding.what.hasSuffix("."), "\(finding.what)")
        #expect(finding.remedy.count > 10)
        #expect(seen.results.map(\.verdict).max() == code.verdict)
    }

    @Test(
        "A finding's verdict is a warning or a fault, and its reason is a sentence that fits a table",
        arguments: FindingCode.allCases)
    func described(code: FindingCode) {
        #expect([.warning, .fault].contains(code.verdict))
        #expect(code.why.hasSuffix(".") && !code.why.contains("|") && !code.why.contains("\n"))
    }
}

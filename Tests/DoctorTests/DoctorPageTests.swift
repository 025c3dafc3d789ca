import Doctor
import FoundationEssentials
import Testing

/// What people read about doctor says the same as the program.
@Suite("Doctor's page")
struct DoctorPageTests {
    @Test("docs/troubleshooting.md shows the findings as the program knows them")
    func documented() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = String(
            decoding: try Data(contentsOf: URL(filePath: root + "/docs/troubleshooting.md")), as: UTF8.self)
        let isThere = page.contains("\n\n\(FindingCode.markdownTable)\n\n")
        #expect(isThere, "docs/troubleshooting.md should contain:\n\(FindingCode.markdownTable)")
        for key in [
            "schema", "version", "node", "verdict", "exitCode", "conclusion", "checks", "check", "subject", "summary",
            "findings", "code", "what", "why", "remedy",
        ] {
            #expect(page.contains("`\(key)`"), "the field \(key)")
        }
    }
}

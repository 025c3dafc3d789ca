import ClusterStatus
import FoundationEssentials
import Testing

/// What people read about the status says the same as the program.
@Suite struct StatusPageTests {
    @Test("docs/operations.md has each code that the status knows, and each field of its JSON")
    func documented() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = String(decoding: try Data(contentsOf: URL(filePath: root + "/docs/operations.md")), as: UTF8.self)
        let start = try #require(page.firstRange(of: "### The whole on one screen\n")).upperBound
        let rest = page[start...]
        let section = rest[..<(rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex)]
        for code in Trouble.Code.allCases { #expect(section.contains("`\(code.rawValue)`"), "\(code.rawValue)") }
        for key in [
            "schema", "version", "well", "etcd", "ceph", "answers", "detail", "nodes", "volumes", "total", "ready",
            "mounted", "creating", "removing", "unfinished", "volume", "kind", "what", "node", "since", "troubles",
            "code", "subject", "remedy",
        ] { #expect(section.contains("`\(key)`"), "the field \(key)") }
    }
}

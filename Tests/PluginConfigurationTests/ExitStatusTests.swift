import FoundationEssentials
import PluginConfiguration
import Testing

@Suite struct ExitStatusTests {
    @Test("docs/reference.md shows what the program ends with as the program knows it")
    func documented() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = String(decoding: try Data(contentsOf: URL(filePath: root + "/docs/reference.md")), as: UTF8.self)
        let isThere = page.contains("\n\n\(ExitStatus.markdownTable)\n\n")
        #expect(isThere, "docs/reference.md should contain:\n\(ExitStatus.markdownTable)")
    }
}

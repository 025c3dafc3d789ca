import FoundationEssentials
import Testing

/// What the documentation names is there: files, headings, suites of tests.
@Suite struct DocumentationTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    private static let pages =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
        + ((try? FileManager.default.contentsOfDirectory(atPath: root + "/docs")) ?? []).sorted()
        .filter { $0.hasSuffix(".md") }.map { "docs/" + $0 }

    @Test("Every page of the documentation is read here")
    func pagesAreFound() {
        #expect(Self.pages.contains("docs/design.md") && Self.pages.contains("docs/reference.md"))
    }

    @Test("Each link within the documentation leads to a file and a heading that exist", arguments: pages)
    func linksLeadSomewhere(page: String) throws {
        let folder = page.contains("/") ? "docs/" : ""
        for link in Self.links(in: try Self.text(of: page)) where !link.contains("://") {
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let file = parts[0].isEmpty ? page : Self.normalised(folder + parts[0])
            let exists = FileManager.default.fileExists(atPath: Self.root + "/" + file)
            #expect(exists, "\(page) links to \(link)")
            guard exists, parts.count == 2 else { continue }
            let anchors = Self.anchors(in: try Self.text(of: file))
            #expect(anchors.contains(parts[1]), "\(page) links to \(link); \(file) has the headings \(anchors)")
        }
    }

    @Test(
        "The suites of tests that a page names exist", arguments: ["README.md", "CONTRIBUTING.md", "docs/testing.md"])
    func namedSuitesExist(page: String) throws {
        let named = try Self.text(of: page).matches(of: /`(?:[\w\/]+\/)?(\w+Tests)`/).map { String($0.output.1) }
        #expect(named.count > 3)
        let sources = try Self.swiftFiles(below: "Tests")
        let files = Set(sources.map { $0.split(separator: "/").last.map(String.init) ?? "" })
        let modules = Set(sources.compactMap { $0.split(separator: "/").dropFirst().first.map(String.init) })
        for suite in Set(named).subtracting(modules) {
            #expect(files.contains(suite + ".swift"), "\(page) names \(suite)")
        }
    }

    // MARK: Reading

    private static func text(of page: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: root + "/" + page)), as: UTF8.self)
    }

    private static func swiftFiles(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root + "/" + folder)
            .filter { $0.hasSuffix(".swift") }.map { folder + "/" + $0 }
    }

    private static func links(in text: String) -> [String] {
        text.matches(of: /\]\(([^)\s]+)\)/).map { String($0.output.1) }
    }

    /// `docs/../README.md` is `README.md`.
    private static func normalised(_ path: String) -> String {
        path.hasPrefix("docs/../") ? String(path.dropFirst("docs/../".count)) : path
    }

    /// Headings as the forges make anchors of them: in lower case, with hyphens for blanks, without other signs.
    private static func anchors(in text: String) -> Set<String> {
        var isCode = false
        var anchors: Set<String> = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") { isCode.toggle() }
            guard !isCode, line.hasPrefix("#"), let blank = line.firstIndex(of: " ") else { continue }
            let words = line[line.index(after: blank)...].lowercased()
            anchors.insert(
                String(
                    words.compactMap { character -> Character? in
                        if character == " " { return "-" }
                        return character.isLetter || character.isNumber || "-_".contains(character) ? character : nil
                    }))
        }
        return anchors
    }
}

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

    @Test(
        "Types, members and files that a page cites exist",
        arguments: ["docs/design.md", "docs/testing.md", "SECURITY.md"])
    func citedNamesExist(page: String) throws {
        let tests = page == "docs/testing.md" ? try Self.swiftFiles(below: "Tests") : []
        let files = try Self.swiftFiles(below: "Sources") + tests + ["Package.swift"]
        let declared = try Self.declarations(in: files)
        for cited in Self.citations(in: try Self.text(of: page)) {
            if cited.hasSuffix(".swift") {
                let isThere = files.contains { ("/" + $0).hasSuffix("/" + cited) }
                #expect(isThere, "\(page) cites the file \(cited)")
            } else {
                let names = cited.split(separator: ".").map(String.init)
                let isDeclared = declared.isSuperset(of: names)
                #expect(isDeclared, "\(page) cites \(cited)")
            }
        }
    }

    @Test("What is cited is told from what is not, and what is declared from what is not")
    func citationsAreFound() throws {
        let cited = Self.citations(
            in:
                "`VolumeMounts`, `Rule.decide`, `Kills/KillSwitch.swift`, `RBDDriver/Driver`\n```\n`InAFence`\n```\n`LOG_LEVEL`"
        )
        #expect(cited == ["VolumeMounts", "Rule.decide", "Kills/KillSwitch.swift"])
        let declared = try Self.declarations(in: ["Tests/PluginConfigurationTests/DocumentationTests.swift"])
        #expect(declared.isSuperset(of: ["DocumentationTests", "citationsAreFound", "declared"]))
        #expect(!declared.contains("VolumeMounts"))
    }

    /// Suites are named as their files.
    @Test("No two suites have the same name, so that a filter means one of them")
    func suitesHaveNamesOfTheirOwn() throws {
        let names = try Self.swiftFiles(below: "Tests").map { $0.split(separator: "/").last.map(String.init) ?? "" }
            .filter { $0.hasSuffix("Tests.swift") }
        #expect(names.count > 100)
        let twice = Dictionary(grouping: names) { $0 }.filter { $0.value.count > 1 }.keys.sorted()
        #expect(twice == [])
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

    /// What stands in backticks and looks like a type, a type's member, or a file of Swift.
    private static func citations(in text: String) -> [String] {
        let prose = text.replacing(/(?ms)^```.*?^```/, with: "")
        return prose.matches(of: /`([^`\s]+)`/).map { String($0.output.1) }.filter {
            $0.hasSuffix(".swift") || $0.wholeMatch(of: /[A-Z]\w*[a-z]\w*\.[a-z]\w*|[A-Z][a-z]+[A-Z]\w*/) != nil
        }
    }

    /// The names of what these files declare, and of the modules that they make up.
    private static func declarations(in files: [String]) throws -> Set<String> {
        let keywords: Set<Substring> = [
            "struct", "class", "enum", "actor", "protocol", "typealias", "func", "var", "let", "case",
        ]
        var names: Set<String> = []
        for file in files {
            names.formUnion(file.split(separator: "/").dropFirst().prefix(1).map(String.init))
            let words = try text(of: file).split { !($0.isLetter || $0.isNumber || $0 == "_") }
            for (keyword, name) in zip(words, words.dropFirst()) where keywords.contains(keyword) {
                names.insert(String(name))
            }
        }
        return names
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

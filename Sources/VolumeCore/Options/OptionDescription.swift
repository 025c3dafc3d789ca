/// What people are told about one option of `docker volume create`. `-o help` and docs/reference.md's table say the same, because
/// they are made from, or checked against, ``all``.
public struct OptionDescription: Sendable {
    public let name: String
    /// What stands for the value: `SIZE`.
    let value: String
    /// What holds without the option, by the plugin's settings; `nil` for nothing.
    let standard: @Sendable (VolumeDefaults) -> String?
    /// What is said where nothing holds.
    let withoutDefault: String
    /// Sentences in Markdown. The first of them tells in one line what the option is for.
    public let meaning: String

    init(
        _ name: String, _ value: String, withoutDefault: String = "", _ meaning: String,
        standard: @escaping @Sendable (VolumeDefaults) -> String? = { _ in nil }
    ) {
        self.name = name
        self.value = value
        self.standard = standard
        self.withoutDefault = withoutDefault
        self.meaning = meaning
    }

    /// Every option, in the order in which people read them.
    public static let all = VolumeOption.allCases.map(\.told)

    /// - Parameter name: as people write it.
    static func named(_ name: String) -> OptionDescription? {
        if let option = VolumeOption(name: name) { return option.told }
        return all.first { OptionName.plain($0.name) == OptionName.plain(name) }
    }

    /// The first sentence of the meaning.
    public var summary: String {
        guard let end = meaning.firstRange(of: ". ") else { return meaning }
        return String(meaning[..<end.lowerBound]) + "."
    }

    /// For docs/reference.md.
    public static var markdownTable: String {
        let rows = all.map { told in
            let standard = told.standard(VolumeDefaults()).map { "`\($0)`" } ?? told.withoutDefault
            return "| `\(told.name)` | \(standard) | \(told.meaning) |"
        }
        return (["| Option | Default | Meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}

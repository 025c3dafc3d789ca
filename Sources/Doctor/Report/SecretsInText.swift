/// Takes secrets out of a text that others will read.
public struct SecretsInText: Sendable {
    /// The longest first: one may be part of another.
    private let known: [String]

    /// What stands for a secret.
    public static let mark = "<secret>"
    /// What is shorter cannot be told from ordinary words.
    private static let shortest = 4

    /// - Parameter known: the secrets of this node, with or without line breaks around them.
    public init(_ known: [String]) {
        self.known = Set(known.flatMap { $0.split(whereSeparator: \.isNewline).map(Self.trimmed) })
            .filter { $0.count >= Self.shortest && !$0.hasPrefix("-----") }
            .sorted { ($0.count, $0) > ($1.count, $1) }
    }

    /// The text without the known secrets, and without what looks like a private key in PEM.
    public func removed(from text: String) -> String {
        var text = Self.withoutPrivateKeys(text)
        for secret in known { text = text.replacing(secret, with: Self.mark) }
        return text
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// Everything between the first and the last line of such a key, or to the end of the text when the last line is missing.
    private static func withoutPrivateKeys(_ text: String) -> String {
        var (kept, rest) = ("", text[...])
        while let begin = rest.firstRange(of: "PRIVATE KEY-----") {
            kept += rest[..<begin.upperBound] + mark
            rest = rest[begin.upperBound...]
            guard let end = rest.firstRange(of: "-----END") else { return kept }
            rest = rest[end.lowerBound...]
            // The words of the last line are those of the first.
            guard let last = rest.firstRange(of: "PRIVATE KEY-----") else { return kept }
            kept += rest[..<last.upperBound]
            rest = rest[last.upperBound...]
        }
        return kept + rest
    }
}

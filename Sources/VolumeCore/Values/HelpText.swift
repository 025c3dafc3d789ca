/// What is told about options and settings, which stands in Markdown, as a terminal shows it.
package enum HelpText {
    /// Without the marks around code.
    package static func plain(_ text: String) -> String { String(text.filter { $0 != "`" }) }

    /// In lines of at most `width` characters; a longer word has a line of its own.
    package static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let line = lines.last, line.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(line) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

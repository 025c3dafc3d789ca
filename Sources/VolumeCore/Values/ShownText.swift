/// Texts of users, as errors show them.
public enum ShownText {
    /// In one line: letters of any language as they are, what cannot be seen by its number, and the end of a long text left
    /// out.
    public static func shown(_ text: String, limit: Int = 60) -> String {
        var scalars = text.unicodeScalars.prefix(limit)
        var shown = ""
        // An accent without a letter would sit on what stands before the text.
        if let first = scalars.first, isMark(first) { shown = number(of: scalars.removeFirst()) }
        return shown + scalars.map(visible).joined() + (text.unicodeScalars.count > limit ? "…" : "")
    }

    /// The same in single quotes.
    public static func quoted(_ text: String, limit: Int = 60) -> String { "'\(shown(text, limit: limit))'" }

    /// One character as it can be seen: `ü`, `\n`, `U+200B`.
    private static func visible(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case " ": " "
        default: hasShape(scalar) ? String(scalar) : number(of: scalar)
        }
    }

    private static func hasShape(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: true
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: true
        default: false
        }
    }

    private static func number(of scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

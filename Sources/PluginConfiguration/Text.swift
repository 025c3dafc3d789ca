/// Small questions about texts, and the forms of text that several settings share.
enum Text {
    static func isBlank(_ character: Character) -> Bool {
        character == " " || character == "\t"
    }

    /// Without spaces and tabs at both ends.
    static func trimmed(_ text: String) -> String {
        let end = text.reversed().drop(while: isBlank)
        return String(String(end.reversed()).drop(while: isBlank))
    }

    static func withoutFinalLineBreak(_ text: String) -> String {
        text.last?.isNewline == true ? String(text.dropLast()) : text
    }

    static func hasControlCharacter(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
    }

    /// For a message: in quotes, control characters made visible, long ones cut.
    static func quoted(_ text: String) -> String {
        text.count > 120 ? "\(String(text.prefix(120)).debugDescription)…" : text.debugDescription
    }

    /// The parts between commas, without blanks around them.
    static func commaSeparated(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed(String($0)) }
    }

    /// True for a text of ASCII letters, digits and the given others, and not empty.
    static func consists(_ text: String, ofLettersDigitsAnd others: String) -> Bool {
        !text.isEmpty && text.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || others.contains($0) }
    }

    /// An absolute path without `.` and `..`, returned without repeated or final slashes.
    static func absolutePath(_ text: String) throws(Refusal) -> String {
        // By bytes, as the kernel does: Swift joins some letters with a slash beside them to one character.
        let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        guard text.utf8.first == UInt8(ascii: "/"), !parts.isEmpty, !parts.contains(".."), !parts.contains(".") else {
            throw Refusal("it must be an absolute path without \"..\"")
        }
        return "/" + parts.joined(separator: "/")
    }

    /// One of the values of an enumeration, by its raw text.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String
    ) throws(Refusal) -> Choice {
        guard let choice = Choice(rawValue: text.lowercased()) else {
            throw Refusal("it must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }
}

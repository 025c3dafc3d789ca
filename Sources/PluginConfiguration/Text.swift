import VolumeCore

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

    /// For a message: in quotes, what cannot be seen by its number, long ones cut.
    static func quoted(_ text: String) -> String { "\"\(ShownText.shown(text, limit: 120))\"" }

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
        let parts = PathSteps.of(text).filter { !$0.isEmpty }
        guard text.utf8.first == UInt8(ascii: "/"), !parts.isEmpty, !parts.contains(".."), !parts.contains(".") else {
            throw Refusal("it must be an absolute path without \"..\"")
        }
        return "/" + parts.joined(separator: "/")
    }

    /// A parser for values that options of volumes have as well.
    static func asInOptions<Value>(
        _ reader: @escaping (String) throws(UnfitText) -> Value
    ) -> (String) throws(Refusal) -> Value {
        { text throws(Refusal) in
            do throws(UnfitText) {
                return try reader(text)
            } catch {
                throw Refusal("it must be \(error.accepts)")
            }
        }
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

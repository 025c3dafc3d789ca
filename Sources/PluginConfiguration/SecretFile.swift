/// A file that holds a secret and nothing else, on one line.
public enum SecretFile {
    /// The secret that the file holds now.
    ///
    /// - Parameter readFile: gives the text of a file.
    /// - Throws: what `readFile` does, and ``Unusable``.
    public static func secret(at path: String, readFile: (String) throws -> String) throws -> Secret {
        let text = text(in: try readFile(path))
        do throws(Refusal) {
            try check(text)
        } catch {
            throw Unusable(path: path, clause: error.clause)
        }
        return Secret(text)
    }

    /// A file that holds no secret. Its description shows nothing of what it holds.
    public struct Unusable: Error, CustomStringConvertible {
        let path: String
        let clause: String

        public var description: String { "the file \(Text.quoted(path)) cannot be used: \(clause)" }
    }

    /// Editors end a file with a line break.
    static func text(in content: String) -> String { Text.withoutFinalLineBreak(content) }

    /// What every secret has to be.
    static func check(_ text: String) throws(Refusal) {
        guard !text.isEmpty else { throw Refusal("that file is empty") }
        guard !Text.hasControlCharacter(text) else {
            throw Refusal("it must be one line without control characters")
        }
    }
}

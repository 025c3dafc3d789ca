/// One reader of the plugin's that gets bytes from others, and what has to hold whatever the bytes are.
package protocol FuzzTarget: Sendable {
    /// Names its folder in the corpus.
    var name: String { get }
    /// Words that are worth putting into an input.
    var words: [String] { get }
    /// How long its inputs are at most: longer ones only take longer.
    var longest: Int { get }

    /// Reads the input.
    /// - Returns: what kind of answer it was, in few words: an input that gets one of a kind that was not seen yet is
    ///   worth changing further.
    /// - Throws: ``Broken`` when something does not hold. Nothing else: what the reader throws is an answer.
    func run(_ input: [UInt8]) async throws(Broken) -> String

    /// Looks at what many inputs together may have left behind.
    func settle() async throws(Broken)
}

extension FuzzTarget {
    package var words: [String] { [] }
    package var longest: Int { 1 << 12 }
    package func settle() async throws(Broken) {}
}

/// What did not hold, as a sentence.
package struct Broken: Error, CustomStringConvertible, Sendable {
    package let description: String

    package init(_ sentence: String) { description = sentence }
}

/// - Throws: ``Broken`` with the sentence when it does not hold.
func hold(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(Broken) {
    guard condition else { throw Broken(sentence()) }
}

/// The first few words of an error: of inputs that are refused for the same reason, one is enough.
func kind(_ error: any Error) -> String { kind("\(error)") }

func kind(_ sentence: String) -> String {
    let letters = sentence.unicodeScalars.lazy.map { scalar -> Character in
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) ? Character(scalar) : "."
    }
    return String(letters.prefix(120))
}

/// An input as a text: what is no UTF-8 is repaired, as it is wherever the plugin reads a text.
func text(_ input: [UInt8]) -> String { String(decoding: input, as: UTF8.self) }

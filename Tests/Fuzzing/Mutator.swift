import Rig
import UntrustedJSON

/// Makes inputs out of others: a few of them spliced, with bytes changed, words put in, pieces repeated or dropped.
struct Mutator {
    private let words: [[UInt8]]
    private let longest: Int

    init(_ words: [String], longest: Int) {
        self.longest = longest
        self.words = (words + Self.odd).map { Array($0.utf8) } + [[0], [0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80]]
    }

    /// Texts that readers take wrongly: ends of ranges, characters that hide their neighbours, ways out of a folder.
    private static let odd = [
        "0", "1", "-1", "+1", "007", "255", "256", "65535", "65536", "4294967295", "4294967296", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616", "1e400", "0.1",
        "0x10", "NaN", "null", "true", "{}", "[]", "\"\"", "/", "..", "/../", "//", "./", "\\", "\\040", "\\134", "\\",
        "=", ",", ";", ":", "#", "'", "\"", "@", "%", " ", "\t", "\n", "\r\n", "\r", "\u{0B}", "\u{1B}[2J", "\u{7F}",
        // Joins the letter after it, and the one before it, to one character.
        "\u{600}", "\u{301}", "\u{200D}", "\u{FE0F}", "\u{FEFF}", "\u{2028}", "\u{85}", "\u{A0}", "\u{202E}",
        "\u{212A}", "\u{130}", "ß", "\u{FF11}", "\u{661}", "💾", "-", "--", "-o", "[", "]", "{", "}", "(", ")",
    ]

    /// - Parameter others: inputs to take pieces of.
    func mutate(_ input: [UInt8], _ others: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        if Bool.random(using: &random), let forged = forgedJSON(input, &random) { return forged }
        var bytes = input
        for _ in 0..<(1 << Int.random(in: 0...3, using: &random)) { change(&bytes, others, &random) }
        return Array(bytes.prefix(longest))
    }

    /// The input as JSON with its values changed, which keeps it JSON; `nil` when it is none.
    private func forgedJSON(_ input: [UInt8], _ random: inout SeededGenerator) -> [UInt8]? {
        guard let first = input.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "["),
            var value = try? UntrustedJSON.decode(JSONValue.self, from: input)
        else { return nil }
        if Bool.random(using: &random) { value.disturb(words, &random) }
        return try? value.forged(&random)
    }

    private func change(_ bytes: inout [UInt8], _ others: [[UInt8]], _ random: inout SeededGenerator) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let length = Int.random(
            in: 0...min(bytes.count - place, 1 << Int.random(in: 0...6, using: &random)), using: &random)
        let piece = place..<place + length
        switch Int.random(in: 0..<10, using: &random) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(piece)
        case 3: bytes.insert(contentsOf: bytes[piece], at: place)
        case 4: bytes.removeSubrange(place...)
        case 5:
            let other = others.randomElement(using: &random) ?? []
            bytes.replaceSubrange(place..., with: other.dropFirst(Int.random(in: 0...other.count, using: &random)))
        case 6:
            let times = [2, 16, 300, 5000].randomElement(using: &random) ?? 2
            let repeated = Array(bytes[piece].prefix(16))
            for _ in 0..<times where bytes.count < longest { bytes.insert(contentsOf: repeated, at: place) }
        case 7: bytes.replaceSubrange(piece, with: words.randomElement(using: &random) ?? [])
        default: bytes.insert(contentsOf: words.randomElement(using: &random) ?? [], at: place)
        }
    }
}

extension JSONValue {
    /// Puts one of the words into one of its texts.
    fileprivate mutating func disturb(_ words: [[UInt8]], _ random: inout SeededGenerator) {
        switch self {
        case .object(var members):
            guard let key = members.keys.sorted().randomElement(using: &random) else { return }
            members[key]?.disturb(words, &random)
            self = .object(members)
        case .array(var elements):
            guard let index = elements.indices.randomElement(using: &random) else { return }
            elements[index].disturb(words, &random)
            self = .array(elements)
        case .string(let old):
            var bytes = Array(old.utf8)
            let word = words.randomElement(using: &random) ?? []
            bytes.insert(contentsOf: word, at: Int.random(in: 0...bytes.count, using: &random))
            self = .string(text(bytes))
        default: return
        }
    }
}

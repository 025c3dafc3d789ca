import FoundationEssentials
import Rig

extension JSONValue {
    /// The bytes of this with a few random changes, of values or of bytes.
    package func forged(_ random: inout some RandomNumberGenerator) throws -> [UInt8] {
        var value = self
        for _ in 0..<Int.random(in: 0...2, using: &random) { value.disturb(&random) }
        var bytes = Array(try JSONEncoder().encode(value))
        guard Int.random(in: 0..<3, using: &random) == 0 else { return bytes }
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(Array("\"{}[],:0-9./\\ \u{0}".utf8).randomElement(using: &random) ?? 0, at: index)
            default: bytes.removeLast(bytes.count - index)
            }
        }
        return bytes
    }

    private static let odd: [JSONValue] = [
        .null, true, 0, -1, 1, 12, 26, 4_294_967_295, 9_223_372_036_854_775_807, .number(1.8e19), .number(0.5), "", "-",
        "--", "/", "..", "../..", "/etc", "/dev/sda", "/dev/../etc", "a/b", "a@b", "-o", "\u{0}", "\n", "x\ny", "ö",
        "💾",
        "db", "other", "ext4", "xfs", "btrfs", "creating", "ready", "removing", "errors=panic", "noatime,errors=panic",
        "-d", "-l", "logdev=/dev/sda", "noatime", "discard", "10.0.0.9:0/9", "layering", "object-map", "striping", [],
        [[]],
        [:], ["a": 1],
    ]

    mutating func disturb(_ random: inout some RandomNumberGenerator) {
        switch self {
        case .object(var members):
            guard let key = members.keys.sorted().randomElement(using: &random) else { break }
            if Int.random(in: 0..<20, using: &random) == 0 {
                members[key] = nil
            } else {
                members[key]?.disturb(&random)
            }
            self = .object(members)
            return
        case .array(var elements) where Int.random(in: 0..<4, using: &random) != 0:
            let one = Self.odd.randomElement(using: &random) ?? .null
            let index = Int.random(in: 0...elements.count, using: &random)
            if index == elements.count { elements.append(one) } else { elements[index] = one }
            self = .array(elements)
            return
        case .string(let text) where Int.random(in: 0..<2, using: &random) == 0:
            var scalars = Array(text.unicodeScalars)
            let odd = Array("/@ .,-=\n\u{7f}\u{0}aZ9ö".unicodeScalars).randomElement(using: &random) ?? "x"
            scalars.insert(odd, at: Int.random(in: 0...scalars.count, using: &random))
            var forged = String.UnicodeScalarView()
            forged.append(contentsOf: scalars)
            self = .string(String(forged))
            return
        case .integer(let number) where Int.random(in: 0..<2, using: &random) == 0:
            self = .integer(number &+ Int64.random(in: -3...3, using: &random))
            return
        default: break
        }
        self = Self.odd.randomElement(using: &random) ?? .null
    }
}

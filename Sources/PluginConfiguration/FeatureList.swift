/// Features of RBD images, as names and as the number that librbd takes.
public struct FeatureList: Sendable, Hashable {
    /// The names, in the order of their bits.
    public let names: [String]
    /// The sum of `RBD_FEATURE_…`.
    public let bits: UInt64

    private static let known: [(name: String, bit: UInt64)] = [
        ("layering", 1), ("exclusive-lock", 4), ("object-map", 8), ("fast-diff", 16), ("deep-flatten", 32),
        ("journaling", 64),
    ]
    /// `striping` and `data-pool`: librbd sets them by itself when an image has such a layout, so a number that
    /// contains them means nothing more than the same number without them.
    private static let impliedByLayout: UInt64 = 2 | 128
    private static let needs = [
        "object-map": "exclusive-lock", "fast-diff": "object-map", "journaling": "exclusive-lock",
    ]

    /// What Ceph itself gives new images, all of it known to current kernels.
    public static let standard = FeatureList(bits: 1 | 4 | 8 | 16 | 32)

    private init(bits: UInt64) {
        self.bits = bits
        self.names = Self.known.filter { bits & $0.bit != 0 }.map(\.name)
    }

    /// Reads names separated by commas, or their number.
    static func parse(_ text: String) throws(Refusal) -> FeatureList {
        let bits = if let number = UInt64(text) { try checkedBits(number) } else { try namedBits(text) }
        let list = FeatureList(bits: bits)
        guard !list.names.isEmpty else { throw Refusal("it must be at least one of \(knownNames)") }
        for name in list.names {
            if let needed = needs[name], !list.names.contains(needed) {
                throw Refusal("\(name) needs \(needed)")
            }
        }
        return list
    }

    private static func checkedBits(_ number: UInt64) throws(Refusal) -> UInt64 {
        let all = known.reduce(impliedByLayout) { $0 | $1.bit }
        guard number & ~all == 0 else {
            throw Refusal("the number has bits that stand for none of \(knownNames)")
        }
        return number & ~impliedByLayout
    }

    private static func namedBits(_ text: String) throws(Refusal) -> UInt64 {
        var bits: UInt64 = 0
        for name in Text.commaSeparated(text) {
            guard let feature = known.first(where: { $0.name == name.lowercased() }) else {
                throw Refusal("it must be a number, or names separated by commas out of \(knownNames)")
            }
            bits |= feature.bit
        }
        return bits
    }

    private static var knownNames: String { known.map(\.name).joined(separator: ", ") }
}

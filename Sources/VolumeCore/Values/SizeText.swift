/// A size as people write it: `512` (MiB, as `rbd create --size` has it), `512M`, `1.5G`, `10GiB`, `10 GB`. All units are powers
/// of 1024.
struct SizeText: Sendable, Hashable {
    /// In MiB, without what is left below one.
    let mebibytes: UInt64
    /// Whether the size is exactly so many MiB.
    let isWhole: Bool

    /// - Returns: `nil` when the text is no size, or is beyond what 64 bits can count.
    init?(_ text: String) {
        let digits = text.prefix(while: Self.isDigit)
        guard let whole = UInt64(digits) else { return nil }
        var rest = text.dropFirst(digits.count)
        var fraction = Substring()
        if rest.first == "." {
            fraction = rest.dropFirst().prefix(while: Self.isDigit)
            guard !fraction.isEmpty else { return nil }
            rest = rest.dropFirst(fraction.count + 1)
        }
        if rest.first == " ", rest.count > 1 { rest = rest.dropFirst() }
        guard let perUnit = Self.mebibytes(perUnit: rest) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: perUnit)
        guard !overflow, let part = Self.part(fraction, of: perUnit) else { return nil }
        let (sum, carry) = product.addingReportingOverflow(part.quotient)
        guard !carry else { return nil }
        mebibytes = sum
        isWhole = part.remainder == 0
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private static func mebibytes(perUnit unit: Substring) -> UInt64? {
        guard unit.allSatisfy(\.isASCII) else { return nil }
        return switch unit.uppercased() {
        case "", "M", "MB", "MI", "MIB": 1
        case "G", "GB", "GI", "GIB": 1 << 10
        case "T", "TB", "TI", "TIB": 1 << 20
        case "P", "PB", "PI", "PIB": 1 << 30
        default: nil
        }
    }

    /// `25` of 1024 is the fraction 0.25 of them: 256.
    /// - Returns: `nil` for more digits than can be reckoned with.
    private static func part(_ digits: Substring, of perUnit: UInt64) -> (quotient: UInt64, remainder: UInt64)? {
        let significant = digits.reversed().drop { $0 == "0" }
        guard !significant.isEmpty else { return (0, 0) }
        guard significant.count <= 18, let numerator = UInt64(String(significant.reversed())) else { return nil }
        let denominator = significant.reduce(UInt64(1)) { power, _ in power * 10 }
        return denominator.dividingFullWidth(numerator.multipliedFullWidth(by: perUnit))
    }
}

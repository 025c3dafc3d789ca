/// Sizes of volumes as people write them: `512` (MB), `512M`, `10G`, `1T`.
///
/// As ever with RBD tools, MB means MiB: 2^20 bytes.
public enum SizeText {
    private static let shifts: [Character: Int] = ["m": 20, "g": 30, "t": 40, "p": 50]

    /// 4 PiB, the largest volume that can be created.
    private static let maximum: UInt64 = 1 << 52

    /// Bytes. Nil for anything that is no whole positive number with a known unit, or that is more than 4 PiB.
    public static func parse(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits), number > 0,
            let shift = shift(ofUnit: text[digits.endIndex...].lowercased())
        else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << UInt64(shift))
        return overflow || bytes > maximum ? nil : bytes
    }

    private static func shift(ofUnit unit: String) -> Int? {
        guard let letter = unit.first else { return shifts["m"] }
        return ["", "b", "ib"].contains(String(unit.dropFirst())) ? shifts[letter] : nil
    }

    static func bytes(_ text: String) throws(Refusal) -> UInt64 {
        guard let bytes = parse(text) else {
            throw Refusal(
                "it must be a number of MB greater than 0, or have a unit as in 512M, 10G or 1T, and be at most 4P")
        }
        return bytes
    }
}

/// The intervals of schedules as people write them.
enum IntervalText {
    private static let units: [(name: Character, seconds: Int64)] = [
        ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400), ("y", 365 * 86_400),
    ]

    static let bounds: ClosedRange<Int64> = 5...10 * 365 * 86_400

    static let accepted = "a length of time from 5s to 10y, such as 30m, 6h, 1d or 1h30m, or 'none' for no schedule"

    /// `30m`, `1h30m`, in seconds.
    /// - Parameter text: in small letters.
    static func seconds(_ text: String) throws(UnfitText) -> Int64 {
        var total: Int64 = 0
        var rest = Substring(text)
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard let count = DecimalNumber<UInt32>(digits)?.value, let name = rest.popFirst(),
                let unit = units.first(where: { $0.name == name }), total <= bounds.upperBound
            else { throw UnfitText(accepts: accepted) }
            total += Int64(count) * unit.seconds
        } while !rest.isEmpty
        guard bounds.contains(total) else { throw UnfitText(accepts: accepted) }
        return total
    }

    /// By the largest unit of which it is a whole number.
    static func text(_ seconds: Int64) -> String {
        let unit = units.last { seconds % $0.seconds == 0 } ?? units[0]
        return "\(seconds / unit.seconds)\(unit.name)"
    }
}

/// Lengths of time as people write them: `25` (seconds), `25s`, `500ms`, `1m`, `2h`, `7d`, `10y`.
public enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("y", 31_536_000_000),
    ]

    /// Reads a whole number with a unit; without one it is seconds. A year is 365 days. Nil for anything else.
    public static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = digits.endIndex == text.endIndex ? "s" : text[digits.endIndex...].lowercased()
        guard let number = Int64(digits), let factor = units.first(where: { $0.name == unit })?.milliseconds else {
            return nil
        }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : .milliseconds(milliseconds)
    }

    /// The shortest exact way to write it, down to milliseconds.
    public static func describe(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0, let unit = units.last(where: { milliseconds % $0.milliseconds == 0 }) else {
            return "0s"
        }
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }

    /// A parser for values within a range.
    static func within(_ range: ClosedRange<Duration>) -> (String) throws(Refusal) -> Duration {
        { text throws(Refusal) in
            guard let duration = parse(text) else {
                throw Refusal(
                    "it must be a whole number with a unit, such as 500ms, 25s, 1m, 2h, 7d or 10y; without a unit it is seconds"
                )
            }
            guard range.contains(duration) else {
                throw Refusal("it must be between \(describe(range.lowerBound)) and \(describe(range.upperBound))")
            }
            return duration
        }
    }
}

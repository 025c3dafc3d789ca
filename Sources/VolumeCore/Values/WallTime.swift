/// A point of the wall clock, to the second, in UTC. People read it, and schedules go by it. It may jump: what has to be measured
/// is measured by the monotonic clock (`Moment`).
public struct WallTime: Sendable, Hashable, Comparable {
    /// Since the beginning of 1970, without leap seconds.
    public let seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    public static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }

    /// Whole seconds of the duration count.
    public static func + (time: Self, duration: Duration) -> WallTime {
        WallTime(seconds: time.seconds + duration.components.seconds)
    }

    public static func - (later: Self, earlier: Self) -> Duration { .seconds(later.seconds - earlier.seconds) }
}

extension WallTime {
    /// Numbers of the hour, the day, the week from Monday to Sunday, and the month that it is in.
    var hour: Int64 { seconds.floorDivided(by: 3600).quotient }
    var day: Int64 { seconds.floorDivided(by: 86_400).quotient }
    // The year 1970 began on a Thursday.
    var week: Int64 { (day + 3).floorDivided(by: 7).quotient }
    var month: Int64 {
        let date = CivilDate(day: day)
        return date.year * 12 + date.month
    }
}

/// RFC 3339: `2026-01-02T03:04:05Z`.
extension WallTime: CustomStringConvertible, LosslessStringConvertible {
    public var description: String {
        let (day, second) = seconds.floorDivided(by: 86_400)
        let date = CivilDate(day: day)
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2))"
            + "T\(digits(second / 3600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))Z"
    }

    /// - Returns: `nil` for what is not of exactly that form, or no time there is.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 20 else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            let digits = bytes[range]
            guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
            return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), hour < 24, minute < 60, second < 60
        else { return nil }
        let time = WallTime(
            seconds: CivilDate(year: year, month: month, day: day).number * 86_400 + hour * 3600 + minute * 60 + second)
        // The separators are right, and there is such a day, if it is written as it was read.
        guard time.description == text else { return nil }
        self = time
    }
}

extension WallTime: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = WallTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "it is not a time of RFC 3339 in UTC")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A day of the Gregorian calendar. Years begin in March here, so that the day that may be missing is the last.
private struct CivilDate {
    let year: Int64
    let month: Int64
    let day: Int64

    private static let daysOfEra: Int64 = 146_097
    /// From the first of March of the year 0 to the beginning of 1970.
    private static let epoch: Int64 = 719_468

    init(year: Int64, month: Int64, day: Int64) { (self.year, self.month, self.day) = (year, month, day) }

    /// - Parameter number: of days since the beginning of 1970.
    init(day number: Int64) {
        let (era, dayOfEra) = (number + Self.epoch).floorDivided(by: Self.daysOfEra)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since the beginning of 1970.
    var number: Int64 {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).floorDivided(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * Self.daysOfEra + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - Self.epoch
    }
}

extension Int64 {
    /// With a remainder that is never negative.
    fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let remainder = (self % divisor + divisor) % divisor
        return ((self - remainder) / divisor, remainder)
    }
}

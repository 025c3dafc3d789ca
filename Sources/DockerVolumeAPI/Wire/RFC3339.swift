/// Times as Go's JSON decoder accepts them.
enum RFC3339 {
    /// `2006-01-02T15:04:05`, a fraction if any, then `Z` or an offset. Days that the month lacks are refused too.
    static func isTime(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        guard let year = digits(4, from: &rest), skip("-", in: &rest),
            let month = digits(2, from: &rest), (1...12).contains(month), skip("-", in: &rest),
            let day = digits(2, from: &rest), (1...daysIn(month, year)).contains(day), skip("T", in: &rest),
            let hour = digits(2, from: &rest), hour < 24, skip(":", in: &rest),
            let minute = digits(2, from: &rest), minute < 60, skip(":", in: &rest),
            let second = digits(2, from: &rest), second < 60,
            skipFraction(in: &rest)
        else { return false }
        return isZone(rest)
    }

    private static func isZone(_ zone: ArraySlice<UInt8>) -> Bool {
        var rest = zone
        if skip("Z", in: &rest) { return rest.isEmpty }
        guard skip("+", in: &rest) || skip("-", in: &rest),
            let hours = digits(2, from: &rest), hours < 24, skip(":", in: &rest),
            let minutes = digits(2, from: &rest), minutes < 60
        else { return false }
        return rest.isEmpty
    }

    private static func skipFraction(in rest: inout ArraySlice<UInt8>) -> Bool {
        guard skip(".", in: &rest) else { return true }
        let fraction = rest.prefix(while: isDigit)
        rest = rest.dropFirst(fraction.count)
        return !fraction.isEmpty
    }

    private static func skip(_ character: Unicode.Scalar, in rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func digits(_ count: Int, from rest: inout ArraySlice<UInt8>) -> Int? {
        let taken = rest.prefix(count)
        guard taken.count == count, taken.allSatisfy(isDigit) else { return nil }
        rest = rest.dropFirst(count)
        return taken.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

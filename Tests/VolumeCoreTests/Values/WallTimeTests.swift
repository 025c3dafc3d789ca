import FoundationEssentials
import Testing
import VolumeCore

@Suite struct WallTimeTests {
    @Test(
        "A time is written as people and schedules read it",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"), (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (1_798_761_600, "2027-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ])
    func isWritten(_ seconds: Int64, _ text: String) {
        #expect(WallTime(seconds: seconds).description == text)
        #expect(WallTime(text) == WallTime(seconds: seconds))
    }

    @Test("It is the calendar of the C library, on each of 30,000 days and at odd seconds")
    func isTheCalendar() {
        for day in stride(from: -20_000 as Int64, to: 40_000, by: 2) {
            let seconds = day * 86_400 + (day &* 7919) % 86_400
            let theirs = Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
            #expect(WallTime(seconds: seconds).description == theirs)
            #expect(WallTime(theirs)?.seconds == seconds)
        }
    }

    @Test(
        "What is no time is none",
        arguments: [
            "", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00", "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
            "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-01-02 03:04:05Z",
            "2026-01-02T03:04:0５Z", "-026-01-02T03:04:05Z",
        ])
    func isNone(_ text: String) { #expect(WallTime(text) == nil) }

    @Test("Times are compared and shifted by whole seconds")
    func areShifted() throws {
        let early = try #require(WallTime("2026-12-31T23:59:50Z"))
        let late = early + .seconds(15)
        #expect(late.description == "2027-01-01T00:00:05Z")
        #expect(early < late && late - early == .seconds(15) && early + .milliseconds(1999) == early + .seconds(1))
    }
}

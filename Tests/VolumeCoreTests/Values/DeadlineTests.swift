import Testing
import VolumeCore

@Suite struct DeadlineTests {
    private let now = Moment(sinceOrigin: .seconds(100))

    @Test func withoutADeadlineATimeoutStays() {
        #expect(Deadline.current == nil)
        #expect(Deadline.limiting(.seconds(5), now: now) == .seconds(5))
    }

    @Test(
        arguments: [
            (110, 5, 5), (105, 5, 5), (104, 5, 4), (101, 5, 1), (100, 5, 0), (99, 5, 0), (0, 5, 0), (110, 0, 0),
        ] as [(Int64, Int64, Int64)])
    func aTimeoutIsCutDownToWhatIsLeft(_ deadline: Int64, _ timeout: Int64, _ limited: Int64) {
        Deadline.$current.withValue(Moment(sinceOrigin: .seconds(deadline))) {
            #expect(Deadline.limiting(.seconds(timeout), now: now) == .seconds(limited))
        }
    }

    @Test func itReachesTheTasksBelow() async {
        let deadline = now + .seconds(3)
        await Deadline.$current.withValue(deadline) {
            await withTaskGroup(of: Moment?.self) { group in
                group.addTask { Deadline.current }
                for await seen in group { #expect(seen == deadline) }
            }
        }
        #expect(Deadline.current == nil)
    }

    @Test func momentsCompareAndSubtract() {
        let later = now + .milliseconds(1500)
        #expect(now < later)
        #expect(later - now == .milliseconds(1500))
        #expect(now - later == .milliseconds(-1500))
    }
}

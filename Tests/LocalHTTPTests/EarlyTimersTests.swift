import Testing

@testable import LocalHTTP

@Suite("Timers that are made early", .timeLimit(.minutes(1)))
struct EarlyTimersTests {
    @Test("They end with their server, however long they would sleep")
    func end() async {
        await EarlyTimers(sleeping: .seconds(100_000)).end()
    }
}

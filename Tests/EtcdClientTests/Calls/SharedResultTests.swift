import Testing

@testable import EtcdClient

@Suite(.timeLimit(.minutes(1))) struct SharedResultTests {
    @Test func everyWaiterGetsTheValueEarlyOrLate() async {
        let shot = SharedResult<Int>()
        async let early = shot.wait()
        shot.fulfil(7)
        #expect(await early == 7)
        #expect(await shot.wait() == 7)
    }

    @Test func aCancelledWaiterIsLetGo() async {
        let shot = SharedResult<Int>()
        let task = Task { await shot.wait() }
        task.cancel()
        #expect(await task.value == nil)
    }

    @Test func aPassedDeadlineEndsTheWait() async {
        let shot = SharedResult<Int>()
        #expect(await CallDeadline.after(.milliseconds(1)).race { await shot.wait() } == nil)
    }

    @Test func aValueIsNotLostToADeadlineThatHasPassed() async {
        // The operation does not look at its cancellation and has a value all the same.
        #expect(await CallDeadline.after(.zero).race { 7 } == 7)
    }
}

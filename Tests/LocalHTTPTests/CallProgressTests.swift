import Testing

@testable import LocalHTTP

@Suite("Who waits for a call")
struct CallProgressTests {
    @Test("Work that ends in time is answered, and nothing happens to it afterwards")
    func inTime() {
        var call = CallProgress()
        #expect(call.workEnded() == .answer)
        #expect(call.budgetRanOut() == false)
        #expect(call.clientLeft() == false)
    }

    @Test("After the budget the client is told once, and the work's end is late")
    func timedOut() {
        var call = CallProgress()
        #expect(call.budgetRanOut() == true)
        #expect(call.budgetRanOut() == false)
        #expect(call.clientLeft() == false)
        #expect(call.workEnded() == .late(.budgetRanOut))
    }

    @Test("When the client has left, the budget matters no more and the work's end is late")
    func clientLeft() {
        var call = CallProgress()
        #expect(call.clientLeft() == true)
        #expect(call.budgetRanOut() == false)
        #expect(call.workEnded() == .late(.clientLeft))
    }
}

import Testing

@testable import DockerVolumeAPI

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

    @Test("The time-out says what runs on; a Get gets no answer at all")
    func timeOutAnswers() throws {
        func text(_ work: Work) throws -> String {
            guard case .reply(let reply) = work.timeOutAnswer(after: .milliseconds(500)) else { return "hang up" }
            return String(decoding: reply.body, as: UTF8.self)
        }
        #expect(try text(.volume(.get, .get(name: "v"))) == "hang up")
        #expect(
            try text(.volume(.mount, .mount(name: "v", id: "1"))).contains(
                "Mount of volume 'v' is still running after 0.5 s."))
        #expect(try text(.volume(.list, .list)).contains("List is still running after 0.5 s."))
    }
}

@Suite("Draining")
struct DrainStateTests {
    @Test("A quiet server is drained at once")
    func quiet() {
        var state = DrainState()
        #expect(state.drain() == true)
        #expect(state.phase == .drained)
        #expect(state.deadlinePassed() == false)
    }

    @Test("Connections and work are waited for, whichever ends last")
    func waiting() {
        for connectionLast in [true, false] {
            var state = DrainState()
            #expect(state.connectionOpened() == true)
            state.workBegan()
            #expect(state.drain() == false)
            #expect(state.phase == .draining)
            let first = connectionLast ? state.workEnded() : state.connectionClosed()
            #expect(!first)
            let second = connectionLast ? state.connectionClosed() : state.workEnded()
            #expect(second)
            #expect(state.phase == .drained)
        }
    }

    @Test("A connection that comes while draining is turned away and still waited for")
    func lateConnection() {
        var state = DrainState()
        state.workBegan()
        _ = state.drain()
        #expect(state.connectionOpened() == false)
        #expect(state.workEnded() == false)
        #expect(state.connectionClosed() == true)
    }

    @Test("The deadline ends the drain with work left over, whose later end is no second one")
    func deadline() {
        var state = DrainState()
        state.workBegan()
        _ = state.drain()
        #expect(state.deadlinePassed() == true)
        #expect(state.work == 1)
        #expect(state.workEnded() == false)
        #expect(state.deadlinePassed() == false)
    }

    @Test("Work that begins while draining, such as undoing a mount, is waited for")
    func undoWhileDraining() {
        var state = DrainState()
        state.workBegan()
        _ = state.drain()
        state.workBegan()
        #expect(state.workEnded() == false)
        #expect(state.workEnded() == true)
    }

    @Test("Serving goes on while connections and work come and go")
    func serving() {
        var state = DrainState()
        #expect(state.connectionOpened() == true)
        state.workBegan()
        #expect(state.workEnded() == false)
        #expect(state.connectionClosed() == false)
        #expect(state.phase == .serving)
        #expect(state.deadlinePassed() == false)
    }
}

import Testing

@testable import LocalHTTP

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

import PortContracts
import Rig
import Testing
import VolumeCore

@testable import RBDDriver

@Suite struct KeyedLimiterTests {
    private static let refusal = VolumeError(.timedOut, "do it", why: "others are at it", outcome: .refused)

    @Test func soManyAtATimeAndTheOthersInTheOrderOfArrival() async throws {
        let turns = KeyedLimiter<String>(atOnce: 2)
        let gate = Latch()
        let order = Recorder<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                group.addTask {
                    try await turns.take("a", clock: SystemClock(), else: Self.refusal) {
                        order.append(number)
                        await gate.pass()
                    }
                }
                try await eventually("operation \(number) to have arrived") {
                    turns.load == OperationsLoad(atWork: min(number + 1, 2), waiting: max(number - 1, 0))
                }
            }
            try await eventually("the first two to be at it") { order.values.sorted() == [0, 1] }
            #expect(turns.isTaken("a") && !turns.isTaken("b"))
            #expect(try await turns.take("b", clock: SystemClock(), else: Self.refusal) { 7 } == 7)
            gate.open()
            try await group.waitForAll()
        }
        #expect(order.values.sorted() == Array(0..<6))
        #expect(turns.load == OperationsLoad(atWork: 0, waiting: 0))
    }

    @Test func theOneThatWaitsLongestIsNext() async throws {
        let turns = KeyedLimiter<String>()
        let gate = Latch()
        let order = Recorder<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5 {
                group.addTask {
                    try await turns.take("a", clock: SystemClock(), else: Self.refusal) {
                        if number == 0 { await gate.pass() }
                        order.append(number)
                    }
                }
                try await eventually("operation \(number) to have arrived") {
                    turns.load == OperationsLoad(atWork: 1, waiting: number)
                }
            }
            gate.open()
            try await group.waitForAll()
        }
        #expect(order.values == [0, 1, 2, 3, 4])
    }

    @Test(arguments: [Duration.milliseconds(50), .zero, .seconds(-1)])
    func whoseTimeIsUpGoesAndTheOthersStayInLine(_ time: Duration) async throws {
        let turns = KeyedLimiter<String>()
        let (gate, clock) = (Latch(), SystemClock())
        async let first: Void = turns.take("a", clock: clock, else: Self.refusal) { await gate.pass() }
        try await eventually("the first one to be at it") { turns.load.atWork == 1 }
        let error = await errorOf {
            try await Deadline.$current.withValue(clock.now() + time) {
                try await turns.take("a", clock: clock, else: Self.refusal) { Issue.record("it is not its turn") }
            }
        }
        #expect(error == Self.refusal)
        async let third = turns.take("a", clock: clock, else: Self.refusal) { 3 }
        try await eventually("the third one to wait") { turns.load.waiting == 1 }
        gate.open()
        try await first
        #expect(try await third == 3)
        #expect(turns.load == OperationsLoad(atWork: 0, waiting: 0))
    }

    @Test func whatNobodyWaitsForOnlyGetsATurnThatIsFree() async throws {
        let turns = KeyedLimiter<String>(atOnce: 2)
        let got = try await turns.take("a", clock: SystemClock(), else: Self.refusal) {
            await turns.takeIfFree("a") { await turns.takeIfFree("a") { 1 } ?? 0 }
        }
        #expect(got == 0, "the second turn was free, a third there is not")
        #expect(turns.load == OperationsLoad(atWork: 0, waiting: 0))
    }
}

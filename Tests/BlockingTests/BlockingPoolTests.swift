import Glibc
import Rig
import Synchronization
import Testing

@testable import Blocking

/// A call that stays in its thread until it is let go, in place of a C call that hangs.
private final class Gate: Sendable {
    private let signal = ThreadSignal()

    func hold() { signal.wait() }
    func open() { signal.post() }
}

/// How many are in at once, and how many were at most.
private final class Tally: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }

    func enter() {
        counts.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }

    func leave() {
        counts.withLock { $0.now -= 1 }
    }
}

private struct Refusal: Error, Equatable {}

@Suite("BlockingPool") struct BlockingPoolTests {
    private static let long = Duration.seconds(30)
    private static let short = Duration.milliseconds(50)

    @Test("A call's value and its error reach the caller")
    func results() async throws {
        let pool = BlockingPool(name: "test", perLane: 2)
        defer { pool.shutdown() }
        #expect(try await pool.run("add", timeout: Self.long) { 1 + 1 } == 2)
        await #expect(throws: Refusal.self) {
            try await pool.run("refuse", timeout: Self.long) { throw Refusal() }
        }
        try await eventually("the pool to be idle") { pool.running == 0 }
    }

    @Test("Calls run on threads of the pool, with signals blocked")
    func threads() async throws {
        let pool = BlockingPool(name: "a-rather-long-name", perLane: 1)
        defer { pool.shutdown() }
        let (name, blocksTerm) = try await pool.run("look", timeout: Self.long) { () -> (String, Bool) in
            var mask = sigset_t()
            pthread_sigmask(SIG_SETMASK, nil, &mask)
            let comm = (try? threadName()) ?? ""
            return (comm, sigismember(&mask, SIGTERM) == 1)
        }
        #expect(name == "a-rather-long-n")
        #expect(blocksTerm)
    }

    @Test("There are never more calls in threads than the limit, and all get their turn")
    func bound() async throws {
        let pool = BlockingPool(name: "test", perLane: 3)
        defer { pool.shutdown() }
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    try await pool.run("count", timeout: Self.long) {
                        tally.enter()
                        usleep(2000)
                        tally.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(tally.most == 3)
        #expect(pool.load.waiting == 0)
    }

    @Test("A call that outlives its deadline is unknown, counts as stuck, and its result goes to onLate")
    func late() async throws {
        let pool = BlockingPool(name: "test", perLane: 2)
        defer { pool.shutdown() }
        let (gate, late) = (Gate(), Recorder<Int>())
        await #expect(throws: BlockingPoolError.timedOut(call: "hang", after: Self.short, started: true)) {
            try await pool.run(
                "hang", timeout: Self.short,
                onLate: { result in if case .success(let value) = result { late.append(value) } },
                { () -> Int in
                    gate.hold()
                    return 7
                })
        }
        #expect(pool.stuckCalls == 1)
        #expect(try await pool.run("other", timeout: Self.long) { 1 } == 1)
        #expect(late.values.isEmpty)
        gate.open()
        try await eventually("the stuck call to end") { pool.stuckCalls == 0 }
        try await eventually("the late result") { late.values == [7] }
    }

    @Test("A result in time does not go to onLate")
    func inTime() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        let late = Recorder<Int>()
        #expect(
            try await pool.run("quick", timeout: Self.long, onLate: { _ in late.append(1) }, { 3 }) == 3)
        #expect(try await pool.run("after", timeout: Self.long) { 4 } == 4)
        #expect(late.values.isEmpty)
        pool.shutdown()
    }

    @Test("A call that found no thread in time never runs")
    func neverStarted() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        defer { pool.shutdown() }
        let (gate, ran) = (Gate(), Recorder<String>())
        async let first: Void = pool.run("first", timeout: Self.long) { gate.hold() }
        try await eventually("the first call to start") { pool.running == 1 }
        await #expect(throws: BlockingPoolError.timedOut(call: "second", after: Self.short, started: false)) {
            try await pool.run("second", timeout: Self.short) { ran.append("second") }
        }
        gate.open()
        try await first
        try await pool.run("third", timeout: Self.long) { ran.append("third") }
        #expect(ran.values == ["third"])
    }

    @Test("A call whose time is up already never runs", arguments: [Duration.zero, .seconds(-1)])
    func noTime(timeout: Duration) async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        defer { pool.shutdown() }
        let ran = Recorder<Int>()
        await #expect(throws: BlockingPoolError.timedOut(call: "late", after: .zero, started: false)) {
            try await pool.run("late", timeout: timeout) { ran.append(1) }
        }
        try await pool.run("next", timeout: Self.long) {}
        #expect(ran.values.isEmpty)
    }

    @Test("Clean-up runs also after shutdown")
    func cleanUpAfterShutdown() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        pool.shutdown()
        let cleaned = Recorder<Int>()
        pool.submit("close") { cleaned.append(1) }
        try await eventually("the clean-up") { cleaned.values == [1] }
    }

    @Test("When all threads are stuck, new calls and waiting ones fail at once and say in what")
    func exhausted() async throws {
        let pool = BlockingPool(name: "test", perLane: 2)
        defer { pool.shutdown() }
        let gate = Gate()
        let stuck = BlockingPoolError.exhausted(call: "next", threads: 2, stuckIn: ["rbd_open", "rbd_write"])
        await withTaskGroup(of: Void.self) { group in
            for call in ["rbd_open", "rbd_write"] {
                group.addTask {
                    await #expect(throws: BlockingPoolError.self) {
                        try await pool.run(call, timeout: .milliseconds(300)) { gate.hold() }
                    }
                }
            }
            group.addTask {
                try? await eventually("both threads to be taken") { pool.running == 2 }
                await #expect(throws: stuck, "waited in the queue when the last thread got stuck") {
                    try await pool.run("next", timeout: Self.long) {}
                }
            }
        }
        await #expect(throws: stuck) { try await pool.run("next", timeout: Self.long) {} }
        gate.open()
        gate.open()
        try await eventually("the threads to be free") { pool.running == 0 }
        #expect(try await pool.run("next", timeout: Self.long) { 5 } == 5)
    }

    @Test("A lane in which everything is stuck leaves the others their threads, and what waits in it goes on by itself")
    func lanes() async throws {
        let pool = BlockingPool(name: "test", perLane: 2, queueLimit: 4)
        defer { pool.shutdown() }
        let (gate, cleaned) = (Gate(), Recorder<Int>())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    await #expect(throws: BlockingPoolError.self) {
                        try await pool.run("hang", in: "a", timeout: Self.short) { gate.hold() }
                    }
                }
            }
        }
        #expect(pool.stuckCalls == 2)
        await #expect(throws: BlockingPoolError.exhausted(call: "next", threads: 2, stuckIn: ["hang"])) {
            try await pool.run("next", in: "a", timeout: Self.long) {}
        }
        for number in 0..<5 { pool.submit("close", in: "a") { cleaned.append(number) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let looking = Gate()
            for _ in 0..<4 {
                group.addTask { try await pool.run("look", in: "b", timeout: Self.long) { looking.hold() } }
            }
            try await eventually("as many to look as a lane may have, and the others to wait") {
                pool.load == BlockingPool.Load(running: 4, stuck: 2, waiting: 7)
            }
            for _ in 0..<4 { looking.open() }
            try await group.waitForAll()
        }
        #expect(cleaned.values.isEmpty)
        gate.open()
        try await eventually("what waited to be done") { cleaned.values == [0, 1, 2, 3, 4] }
        gate.open()
        try await eventually("the threads to be free") { pool.running == 0 }
        #expect(try await pool.run("next", in: "a", timeout: Self.long) { 5 } == 5)
    }

    @Test("Closing what came too late can hang as well: that is its own lane's affair")
    func lateCloseHangs() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        defer { pool.shutdown() }
        let (opening, closing, late) = (Gate(), Gate(), Recorder<Int>())
        await #expect(throws: BlockingPoolError.self) {
            try await pool.run(
                "open", in: "a", timeout: Self.short,
                onLate: { _ in
                    late.append(1)
                    closing.hold()
                }, { opening.hold() })
        }
        opening.open()
        try await eventually("the close to begin") { late.values == [1] }
        #expect(try await pool.run("look", in: "b", timeout: .seconds(5)) { 1 } == 1)
        await #expect(throws: BlockingPoolError.exhausted(call: "look", threads: 1, stuckIn: ["open"])) {
            try await pool.run("look", in: "a", timeout: Self.long) {}
        }
        closing.open()
        try await eventually("the thread to be free") { pool.stuckCalls == 0 }
        #expect(try await pool.run("look", in: "a", timeout: Self.long) { 2 } == 2)
    }

    @Test("Clean-up that waits behind a stuck call is done although the pool was shut down")
    func shutdownBehindStuck() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        let (gate, cleaned) = (Gate(), Recorder<Int>())
        await #expect(throws: BlockingPoolError.self) {
            try await pool.run("hang", in: "a", timeout: Self.short) { gate.hold() }
        }
        try await pool.run("look", in: "b", timeout: Self.long) {}
        pool.submit("close", in: "a") { cleaned.append(1) }
        pool.shutdown()
        #expect(cleaned.values.isEmpty)
        gate.open()
        try await eventually("the clean-up") { cleaned.values == [1] }
    }

    @Test("A full queue refuses at once, but takes clean-up")
    func queueFull() async throws {
        let pool = BlockingPool(name: "test", perLane: 1, queueLimit: 1)
        defer { pool.shutdown() }
        let (gate, cleaned) = (Gate(), Recorder<Int>())
        async let running: Void = pool.run("running", timeout: Self.long) { gate.hold() }
        try await eventually("the first call to start") { pool.running == 1 }
        async let waiting: Void = pool.run("waiting", timeout: Self.long) {}
        try await eventually("the second call to wait") { pool.load.waiting == 1 }
        await #expect(throws: BlockingPoolError.queueFull(call: "refused", waiting: 1)) {
            try await pool.run("refused", timeout: Self.long) {}
        }
        pool.submit("close") { cleaned.append(1) }
        gate.open()
        try await running
        try await waiting
        try await eventually("the clean-up") { cleaned.values == [1] }
    }

    @Test("A cancelled caller stops waiting; its call goes on and its result goes to onLate")
    func cancelled() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        defer { pool.shutdown() }
        let (gate, late) = (Gate(), Recorder<Int>())
        let task = Task {
            try await pool.run(
                "hang", timeout: Self.long, onLate: { _ in late.append(1) }, { gate.hold() })
        }
        try await eventually("the call to start") { pool.running == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(pool.running == 1)
        #expect(pool.stuckCalls == 0)
        gate.open()
        try await eventually("the late result") { late.values == [1] }
        #expect(pool.running == 0)
    }

    @Test("A caller that was cancelled before it began runs nothing")
    func cancelledBefore() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        defer { pool.shutdown() }
        let (gate, ran) = (Gate(), Recorder<Int>())
        async let first: Void = pool.run("first", timeout: Self.long) { gate.hold() }
        try await eventually("the first call to start") { pool.running == 1 }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await pool.run("never", timeout: Self.long) { ran.append(1) }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        gate.open()
        try await first
        try await pool.run("last", timeout: Self.long) {}
        #expect(ran.values.isEmpty)
    }

    @Test("After shutdown waiting and new calls fail, and the one in its thread still answers")
    func shutdown() async throws {
        let pool = BlockingPool(name: "test", perLane: 1)
        let gate = Gate()
        async let running = pool.run("running", timeout: Self.long) { () -> Int in
            gate.hold()
            return 9
        }
        try await eventually("the first call to start") { pool.running == 1 }
        let waiting = Task { try await pool.run("waiting", timeout: Self.long) {} }
        try await eventually("the second call to wait") { pool.load.waiting == 1 }
        pool.shutdown()
        await #expect(throws: BlockingPoolError.closed(call: "waiting")) { try await waiting.value }
        await #expect(throws: BlockingPoolError.closed(call: "new")) {
            try await pool.run("new", timeout: Self.long) {}
        }
        gate.open()
        #expect(try await running == 9)
    }

    @Test("Races between results and deadlines deliver every result exactly once")
    func races() async throws {
        let pool = BlockingPool(name: "test", perLane: 4, queueLimit: 1000)
        defer { pool.shutdown() }
        let (delivered, late, lost) = (Recorder<Int>(), Recorder<Int>(), Recorder<Int>())
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<400 {
                group.addTask {
                    do {
                        try await pool.run(
                            "race", timeout: .microseconds(500 + index % 7 * 200),
                            onLate: { _ in late.append(index) },
                            { _ = usleep(300) })
                        delivered.append(index)
                    } catch BlockingPoolError.timedOut(_, _, started: true) {
                    } catch {
                        lost.append(index)
                    }
                }
            }
        }
        try await eventually("every call to be accounted for") {
            delivered.values.count + late.values.count + lost.values.count == 400
        }
        try await eventually("no call to be left") { pool.load.running == 0 && pool.load.stuck == 0 }
    }
}

private func threadName() throws -> String {
    let descriptor = Glibc.open("/proc/thread-self/comm", O_RDONLY)
    defer { Glibc.close(descriptor) }
    return try String(unsafeUninitializedCapacity: 32) { buffer in
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        guard count > 0 else { throw RigFailure("cannot read the thread's name") }
        return count - 1
    }
}

import Synchronization

/// Threads for C calls that block, each call with a deadline.
///
/// A C call cannot be interrupted. When its deadline passes, the caller is told so and goes
/// its way, while the thread stays in the call and counts as *stuck* until the call returns.
///
/// What calls depend on, such as a pool of Ceph, is their *lane*. A lane has a bounded number
/// of threads. When all of them are stuck, further calls in it fail at once instead of queueing
/// behind them, and calls in other lanes go on.
///
/// Threads are started as needed and stay until ``shutdown()``.
package final class BlockingPool: Sendable {
    /// What the pool is doing, for metrics and for errors.
    package struct Load: Sendable, Hashable {
        /// Calls in a thread right now, stuck ones included.
        package var running: Int
        /// Calls whose deadline has passed and that have not returned.
        package var stuck: Int
        /// Calls that wait for a thread.
        package var waiting: Int
    }

    private enum Ending {
        case timedOut(Duration)
        case cancelled
    }

    private struct Job: Sendable {
        let id: UInt64
        let call: String
        let lane: String
        /// Makes the call and says how to deliver its result; the flag is true when the
        /// caller has gone.
        let execute: @Sendable () -> @Sendable (_ late: Bool) -> Void
        /// Ends the wait of the caller without a result.
        let fail: @Sendable (any Error) -> Void
        /// Clean-up that nobody waits for: it may queue without limit.
        let isCleanUp: Bool
    }

    private struct Running {
        let job: Job
        var callerGone = false
        var isStuck = false
    }

    private struct State {
        var nextID: UInt64 = 0
        var queue: [Job] = []
        var running: [UInt64: Running] = [:]
        var threads = 0
        var isClosed = false

        func running(in lane: String) -> Int { running.values.count { $0.job.lane == lane } }

        func stuck(in lane: String) -> [Running] { running.values.filter { $0.isStuck && $0.job.lane == lane } }

        /// The first call whose lane has a thread left.
        func nextJob(perLane limit: Int) -> Int? { queue.firstIndex { running(in: $0.lane) < limit } }

        /// How many of the waiting calls could run at once.
        func startable(perLane limit: Int) -> Int {
            let waiting = Dictionary(queue.map { ($0.lane, 1) }, uniquingKeysWith: +)
            return waiting.reduce(0) { $0 + min($1.value, limit - running(in: $1.key)) }
        }
    }

    private let name: String
    private let perLane: Int
    private let queueLimit: Int
    private let state = Mutex(State())
    private let wake = ThreadSignal()

    /// - Parameters:
    ///   - name: the threads' name, as `ps -L` shows it.
    ///   - perLane: the most calls of one lane that may be in threads at a time.
    ///   - queueLimit: the most calls of one lane that may wait for a thread; one more fails at once.
    package init(name: String, perLane: Int, queueLimit: Int = 256) {
        self.name = name
        self.perLane = max(1, perLane)
        self.queueLimit = queueLimit
    }

    package var load: Load {
        state.withLock {
            Load(
                running: $0.running.count, stuck: $0.running.values.count(where: \.isStuck), waiting: $0.queue.count)
        }
    }

    /// Calls whose deadline has passed and that are still in their thread.
    package var stuckCalls: Int { load.stuck }

    /// Calls in a thread right now, stuck ones included.
    package var running: Int { load.running }

    /// Runs a blocking call on one of the pool's threads and waits for its result.
    ///
    /// If the task is cancelled the caller stops waiting (`CancellationError`); a call that
    /// has begun goes on, one that has not is dropped.
    /// - Parameters:
    ///   - call: the name of the call, for errors and metrics.
    ///   - lane: what it depends on.
    ///   - timeout: how long to wait for the result, the wait for a thread included.
    ///   - onLate: is given the result when it comes after the caller has gone, on the
    ///     call's thread: the place to close what was opened.
    ///   - body: the call. Runs at most once.
    /// - Throws: what `body` throws, ``BlockingPoolError``, or `CancellationError`.
    package func run<T: Sendable>(
        _ call: String, in lane: String = "",
        timeout: Duration,
        onLate: (@Sendable (Result<T, any Error>) -> Void)? = nil,
        _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        if timeout <= .zero { throw BlockingPoolError.timedOut(call: call, after: .zero, started: false) }
        let outcome = OneShot<T>()
        let id = try enqueue(call) { id in
            Job(
                id: id, call: call, lane: lane,
                execute: {
                    let result = Result { try body() }
                    return { late in
                        if late { onLate?(result) } else { outcome.complete(result) }
                    }
                },
                fail: { outcome.complete(.failure($0)) },
                isCleanUp: false)
        }
        let deadline = Task {
            do { try await Task.sleep(for: timeout) } catch { return }
            self.abandon(id, .timedOut(timeout))
        }
        do {
            let value = try await withTaskCancellationHandler {
                try await outcome.wait()
            } onCancel: {
                self.abandon(id, .cancelled)
            }
            deadline.cancel()
            return value
        } catch {
            // After a cancellation the call may still turn out to be stuck: let the
            // deadline run on to count it.
            if !(error is CancellationError) { deadline.cancel() }
            throw error
        }
    }

    /// Queues clean-up that nobody waits for, such as closing a handle. Never refused, and
    /// never blocks, so that a `deinit` may use it. After ``shutdown()`` it gets a thread of
    /// its own.
    package func submit(_ call: String, in lane: String = "", _ body: @escaping @Sendable () -> Void) {
        let queued = try? enqueue(call) { id in
            Job(
                id: id, call: call, lane: lane,
                execute: {
                    body()
                    return { _ in }
                },
                fail: { _ in },
                isCleanUp: true)
        }
        if queued == nil { try? DetachedThread.start(name: name, body) }
    }

    /// Ends the threads once their calls have returned; waiting calls fail.
    package func shutdown() {
        let (waiting, threads) = state.withLock { state in
            state.isClosed = true
            defer { state.queue.removeAll { !$0.isCleanUp } }
            return (state.queue.filter { !$0.isCleanUp }, state.threads)
        }
        for job in waiting { job.fail(BlockingPoolError.closed(call: job.call)) }
        for _ in 0..<threads { wake.post() }
    }

    // MARK: The caller's side

    private func enqueue(_ call: String, _ makeJob: (UInt64) -> Job) throws -> UInt64 {
        let (id, startsThread) = try state.withLock { state -> (UInt64, Bool) in
            let job = makeJob(state.nextID)
            try admit(job, to: state)
            state.nextID += 1
            state.queue.append(job)
            let startsThread = state.running.count + state.startable(perLane: perLane) > state.threads
            if startsThread { state.threads += 1 }
            return (job.id, startsThread)
        }
        if startsThread { try startThread(for: id, call) }
        wake.post()
        return id
    }

    private func admit(_ job: Job, to state: borrowing State) throws {
        if state.isClosed { throw BlockingPoolError.closed(call: job.call) }
        if job.isCleanUp { return }
        let stuck = state.stuck(in: job.lane)
        if stuck.count >= perLane { throw exhausted(job.call, stuck) }
        let waiting = state.queue.count { $0.lane == job.lane }
        if waiting >= queueLimit { throw BlockingPoolError.queueFull(call: job.call, waiting: waiting) }
    }

    private func startThread(for id: UInt64, _ call: String) throws {
        do throws(DetachedThread.Refused) {
            try DetachedThread.start(name: name) { self.work() }
        } catch {
            let isServed = state.withLock { state in
                state.threads -= 1
                if state.threads == 0 { state.queue.removeAll { $0.id == id } }
                return state.threads > 0
            }
            // With at least one thread the call waits its turn.
            if !isServed { throw BlockingPoolError.noThread(call: call, code: error.code) }
        }
    }

    private func exhausted(_ call: String, _ stuck: [Running]) -> BlockingPoolError {
        .exhausted(call: call, threads: perLane, stuckIn: Set(stuck.map(\.job.call)).sorted())
    }

    /// Ends the wait for a call. If it is queued it will not run; if it is running, its
    /// thread goes on; if it has ended, nothing happens.
    private func abandon(_ id: UInt64, _ ending: Ending) {
        let (job, started, starved) = state.withLock { state -> (Job?, Bool, [Job]) in
            if let index = state.queue.firstIndex(where: { $0.id == id }) {
                return (state.queue.remove(at: index), false, [])
            }
            guard let running = state.running[id] else { return (nil, false, []) }
            state.running[id]?.callerGone = true
            if case .timedOut = ending { state.running[id]?.isStuck = true }
            let job = running.callerGone ? nil : running.job
            let lane = running.job.lane
            guard state.stuck(in: lane).count >= perLane else { return (job, true, []) }
            let starved = state.queue.filter { $0.lane == lane && !$0.isCleanUp }
            state.queue.removeAll { $0.lane == lane && !$0.isCleanUp }
            return (job, true, starved)
        }
        if let job {
            switch ending {
            case .timedOut(let limit):
                job.fail(BlockingPoolError.timedOut(call: job.call, after: limit, started: started))
            case .cancelled:
                job.fail(CancellationError())
            }
        }
        for job in starved { job.fail(state.withLock { exhausted(job.call, $0.stuck(in: job.lane)) }) }
    }

    // MARK: The threads' side

    private func work() {
        while true {
            wake.wait()
            while let job = takeJob() {
                let deliver = job.execute()
                let late = state.withLock { state in
                    let late = state.running[job.id]?.callerGone ?? true
                    // Closing what came too late can block as well: the thread stays taken.
                    if !late { state.running[job.id] = nil }
                    return late
                }
                deliver(late)
                if late { state.withLock { $0.running[job.id] = nil } }
            }
            if ends() { return }
        }
    }

    private func takeJob() -> Job? {
        state.withLock { state in
            guard let index = state.nextJob(perLane: perLane) else { return nil }
            let job = state.queue.remove(at: index)
            state.running[job.id] = Running(job: job)
            return job
        }
    }

    /// What waits behind its lane is taken by the thread that is in there.
    private func ends() -> Bool {
        state.withLock { state in
            guard state.isClosed, state.nextJob(perLane: perLane) == nil else { return false }
            state.threads -= 1
            return true
        }
    }
}

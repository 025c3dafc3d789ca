import Synchronization

/// A bounded set of threads for C calls that block, each call with a deadline.
///
/// A C call cannot be interrupted. When its deadline passes, the caller is told so and goes
/// its way, while the thread stays in the call and counts as *stuck* until the call returns.
/// When every thread is stuck, further calls fail at once instead of queueing behind them.
///
/// Threads are started as needed and stay until ``shutdown()``.
public final class BlockingPool: Sendable {
    /// What the pool is doing, for metrics and for errors.
    public struct Load: Sendable, Hashable {
        /// The most threads it may have.
        public var threads: Int
        /// Calls in a thread right now, stuck ones included.
        public var running: Int
        /// Calls whose deadline has passed and that have not returned.
        public var stuck: Int
        /// Calls that wait for a thread.
        public var waiting: Int
    }

    private enum Ending {
        case timedOut(Duration)
        case cancelled
    }

    private struct Job: Sendable {
        let id: UInt64
        let call: String
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

        var stuck: [Running] { running.values.filter(\.isStuck) }
    }

    private let name: String
    private let limit: Int
    private let queueLimit: Int
    private let state = Mutex(State())
    private let wake = WorkerSignal()

    /// - Parameters:
    ///   - name: the threads' name, as `ps -L` shows it.
    ///   - threads: the most threads there will be.
    ///   - queueLimit: the most calls that may wait for a thread; one more fails at once.
    public init(name: String, threads: Int, queueLimit: Int = 256) {
        self.name = name
        self.limit = max(1, threads)
        self.queueLimit = queueLimit
    }

    public var load: Load {
        state.withLock {
            Load(threads: limit, running: $0.running.count, stuck: $0.stuck.count, waiting: $0.queue.count)
        }
    }

    /// Calls whose deadline has passed and that are still in their thread.
    public var stuckCalls: Int { load.stuck }

    /// Calls in a thread right now, stuck ones included.
    public var running: Int { load.running }

    /// Runs a blocking call on one of the pool's threads and waits for its result.
    ///
    /// If the task is cancelled the caller stops waiting (`CancellationError`); a call that
    /// has begun goes on, one that has not is dropped.
    /// - Parameters:
    ///   - call: the name of the call, for errors and metrics.
    ///   - timeout: how long to wait for the result, the wait for a thread included.
    ///   - onLate: is given the result when it comes after the caller has gone, on the
    ///     call's thread: the place to close what was opened.
    ///   - body: the call. Runs at most once.
    /// - Throws: what `body` throws, ``BlockingPoolError``, or `CancellationError`.
    public func run<T: Sendable>(
        _ call: String,
        timeout: Duration,
        onLate: (@Sendable (Result<T, any Error>) -> Void)? = nil,
        _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        if timeout <= .zero { throw BlockingPoolError.timedOut(call: call, after: .zero, started: false) }
        let outcome = OneShot<T>()
        let id = try enqueue(call) { id in
            Job(
                id: id, call: call,
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
    public func submit(_ call: String, _ body: @escaping @Sendable () -> Void) {
        let queued = try? enqueue(call) { id in
            Job(
                id: id, call: call,
                execute: {
                    body()
                    return { _ in }
                },
                fail: { _ in },
                isCleanUp: true)
        }
        if queued == nil { _ = WorkerThread.start(name: name, body: body) }
    }

    /// Ends the threads once their calls have returned; waiting calls fail.
    public func shutdown() {
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
            let startsThread = state.threads < limit && state.running.count + state.queue.count > state.threads
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
        let stuck = state.stuck
        if stuck.count >= limit { throw exhausted(job.call, stuck) }
        if state.queue.count >= queueLimit {
            throw BlockingPoolError.queueFull(call: job.call, waiting: state.queue.count)
        }
    }

    private func startThread(for id: UInt64, _ call: String) throws {
        let code = WorkerThread.start(name: name) { self.work() }
        guard code != 0 else { return }
        let isServed = state.withLock { state in
            state.threads -= 1
            if state.threads == 0 { state.queue.removeAll { $0.id == id } }
            return state.threads > 0
        }
        // With at least one thread the call waits its turn.
        if !isServed { throw BlockingPoolError.noThread(call: call, code: code) }
    }

    private func exhausted(_ call: String, _ stuck: [Running]) -> BlockingPoolError {
        .exhausted(call: call, threads: limit, stuckIn: Set(stuck.map(\.job.call)).sorted())
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
            let starved = state.stuck.count >= limit ? state.queue.filter { !$0.isCleanUp } : []
            if !starved.isEmpty { state.queue.removeAll { !$0.isCleanUp } }
            return (running.callerGone ? nil : running.job, true, starved)
        }
        if let job {
            switch ending {
            case .timedOut(let limit):
                job.fail(BlockingPoolError.timedOut(call: job.call, after: limit, started: started))
            case .cancelled:
                job.fail(CancellationError())
            }
        }
        for job in starved { job.fail(state.withLock { exhausted(job.call, $0.stuck) }) }
    }

    // MARK: The threads' side

    private func work() {
        while true {
            wake.wait()
            switch takeJob() {
            case .run(let job):
                let deliver = job.execute()
                let callerGone = state.withLock { $0.running.removeValue(forKey: job.id)?.callerGone ?? true }
                deliver(callerGone)
            case .nothing:
                continue
            case .end:
                return
            }
        }
    }

    private enum Turn {
        case run(Job)
        case nothing
        case end
    }

    private func takeJob() -> Turn {
        state.withLock { state in
            if state.queue.isEmpty {
                guard state.isClosed else { return .nothing }
                state.threads -= 1
                return .end
            }
            let job = state.queue.removeFirst()
            state.running[job.id] = Running(job: job)
            return .run(job)
        }
    }
}

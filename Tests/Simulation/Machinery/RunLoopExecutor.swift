import Glibc

/// Runs all tasks of one history on the thread that calls `drain`, one job after the other in the order in which they
/// became ready: the only order there is, so that a history runs the same every time.
///
/// `@unchecked Sendable`: the queue is only touched on the thread that made the executor. `hasLeaked` tells when a job
/// came from elsewhere, which would mean that something of the driver ran on another executor.
final class RunLoopExecutor: TaskExecutor, @unchecked Sendable {
    private var jobs: [UnownedJob] = []
    private let thread = pthread_self()
    private(set) var hasLeaked = false

    func enqueue(_ job: consuming ExecutorJob) {
        if pthread_equal(thread, pthread_self()) == 0 { hasLeaked = true }
        jobs.append(UnownedJob(job))
    }

    /// Runs until every task waits for something.
    func drain() {
        var next = 0
        while next < jobs.count {
            let job = jobs[next]
            next += 1
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        jobs.removeAll(keepingCapacity: true)
    }
}

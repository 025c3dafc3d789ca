import CRados
import Glibc

/// A POSIX thread of our own, outside Swift's cooperative pool, so that a C call that
/// blocks for seconds costs nobody else a thread.
enum WorkerThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a detached thread (`pthread_create`) that runs `body` and ends with it.
    ///
    /// All signals are blocked in it, and so in the threads that librados starts from it:
    /// signals belong to the threads that wait for them.
    /// - Returns: 0, or the error number of `pthread_create`.
    static func start(name: String, body: @escaping @Sendable () -> Void) -> CInt {
        var blocked = sigset_t()
        var before = sigset_t()
        sigfillset(&blocked)
        pthread_sigmask(SIG_SETMASK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))

        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(&thread, &attributes, enterWorkerThread, start.toOpaque())
        if code != 0 { start.release() }
        return code
    }

    fileprivate static func run(_ argument: UnsafeMutableRawPointer) {
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        crados_set_thread_name(start.name)
        start.body()
    }
}

private func enterWorkerThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { WorkerThread.run(argument) }
    return nil
}

/// A counting semaphore (`sem_t`) that worker threads sleep on.
///
/// `@unchecked Sendable`: `sem_post` and `sem_wait` may be called from any thread at once,
/// and the semaphore stays at one address until the last reference is gone.
final class WorkerSignal: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets one waiting thread, or the next that waits, pass.
    func post() {
        sem_post(semaphore)
    }

    /// Sleeps until `post`. Blocks its thread.
    func wait() {
        while sem_wait(semaphore) != 0 && errno == EINTR {}
    }
}

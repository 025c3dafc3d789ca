import Glibc

/// No thread could be started for the log.
struct LogThreadError: Error, CustomStringConvertible {
    let code: CInt

    var description: String { "cannot start a thread for the log: \(String(cString: strerror(code)))" }
}

/// A POSIX thread outside Swift's pool, which may block in write(2) for hours.
enum LogThread {
    private final class Start {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a detached thread (`pthread_create`), in which all signals are blocked: they belong to others.
    static func start(_ body: @escaping @Sendable () -> Void) throws(LogThreadError) {
        var blocked = sigset_t()
        var before = sigset_t()
        sigfillset(&blocked)
        pthread_sigmask(SIG_SETMASK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        let start = Unmanaged.passRetained(Start(body))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, enterLogThread, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw LogThreadError(code: code)
        }
        pthread_detach(thread)
    }

    fileprivate static func run(_ argument: UnsafeMutableRawPointer) {
        Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
    }
}

private func enterLogThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { LogThread.run(argument) }
    return nil
}

/// A counting semaphore (`sem_t`) that the log's thread sleeps on.
///
/// `@unchecked Sendable`: `sem_post` and `sem_wait` may be called from any thread at once, and the semaphore stays at
/// one address until the last reference is gone.
final class LogSignal: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func post() { sem_post(semaphore) }

    /// Sleeps until `post`. Blocks its thread.
    func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
}

import Glibc

/// A counting semaphore (`sem_t`) that threads sleep on.
///
/// `@unchecked Sendable`: `sem_post` and `sem_wait` may be called from any thread at once, and the semaphore stays at one
/// address until the last reference is gone.
package final class ThreadSignal: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets one waiting thread, or the next that waits, pass.
    package func post() { sem_post(semaphore) }

    /// Sleeps until `post`. Blocks its thread.
    package func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
}

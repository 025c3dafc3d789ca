import Synchronization

/// What calls are held up by until it is opened.
final class Latch: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    /// Returns when it is open, or the task is cancelled.
    func pass() async {
        while !isOpen.withLock(\.self), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

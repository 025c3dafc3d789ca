import CThread
import Glibc

/// A POSIX thread outside Swift's cooperative pool, for work that may block for seconds or for ever. Nobody waits for its end.
package enum DetachedThread {
    /// The system gave no thread.
    package struct Refused: Error, Hashable, CustomStringConvertible {
        /// The error number of `pthread_create`.
        package let code: CInt

        package var description: String { "pthread_create failed: \(String(cString: strerror(code)))" }
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread (`pthread_create`) that runs `body` and ends with it.
    ///
    /// All signals are blocked in it, and so in the threads that a library starts from it: signals belong to the threads that
    /// wait for them.
    /// - Parameter name: as `ps -L` shows it; the kernel keeps 15 bytes.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(Refused) {
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
        let code = pthread_create(&thread, &attributes, enter, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw Refused(code: code)
        }
    }

    fileprivate static func run(_ argument: UnsafeMutableRawPointer) {
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        cthread_set_name(start.name)
        start.body()
    }
}

private func enter(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { DetachedThread.run(argument) }
    return nil
}

import Glibc

/// A thread for work that may block for ever. Nobody waits for its end.
enum DetachedThread {
    /// Why there is no thread, in the system's words.
    struct Refused: Error {
        var detail: String
    }

    static func run(_ body: @escaping @Sendable () -> Void) throws(Refused) {
        let errand = Unmanaged.passRetained(Errand(body))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runErrand, errand.toOpaque())
        guard code == 0 else {
            errand.release()
            throw Refused(detail: "pthread_create failed: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    fileprivate final class Errand: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}

/// The thread's body.
private func runErrand(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<DetachedThread.Errand>.fromOpaque(context).takeRetainedValue().body()
    return nil
}

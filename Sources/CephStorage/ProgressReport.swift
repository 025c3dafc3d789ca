/// Is told how far a long call has come: objects done, objects in all.
public typealias ImageProgress = @Sendable (_ done: UInt64, _ total: UInt64) -> Void

/// Carries a progress closure through C: the callback captures nothing and finds the closure
/// in its argument, which lives for as long as `body` runs.
enum ProgressReport {
    private final class Box {
        let report: ImageProgress

        init(_ report: @escaping ImageProgress) {
            self.report = report
        }
    }

    typealias Callback = @convention(c) (UInt64, UInt64, UnsafeMutableRawPointer?) -> CInt

    /// Lends what librbd wants for its progress. There is a callback also when nobody wants
    /// to know: librbd calls it without looking whether it is there.
    static func withCallback<T>(
        _ progress: ImageProgress?, _ body: (Callback, UnsafeMutableRawPointer?) throws -> T
    ) rethrows -> T {
        guard let progress else { return try body(reportProgress, nil) }
        let box = Box(progress)
        return try withExtendedLifetime(box) {
            try body(reportProgress, Unmanaged.passUnretained(box).toOpaque())
        }
    }

    fileprivate static func report(_ done: UInt64, _ total: UInt64, to argument: UnsafeMutableRawPointer) {
        Unmanaged<Box>.fromOpaque(argument).takeUnretainedValue().report(done, total)
    }
}

/// `librbd_progress_fn_t`. Always 0: a call is not abandoned half way.
private func reportProgress(_ done: UInt64, _ total: UInt64, _ argument: UnsafeMutableRawPointer?) -> CInt {
    if let argument { ProgressReport.report(done, total, to: argument) }
    return 0
}

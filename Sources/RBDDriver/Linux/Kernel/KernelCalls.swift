import SystemPackage
import VolumeCore

/// Makes system calls that can block (on a disk, on a FUSE daemon, on Ceph) on threads of their own, with a deadline.
///
/// A blocked system call cannot be interrupted: when its time is up the caller is told so, with outcome `unknown`, and
/// the thread stays in the call.
public struct KernelCalls: Sendable {
    private let pool: BlockingPool
    private let clock: any DriverClock

    /// - Parameter pool: not the one of Ceph's calls, so that neither starves the other.
    public init(pool: BlockingPool, clock: any DriverClock) {
        self.pool = pool
        self.clock = clock
    }

    /// Runs `body` on one of the pool's threads.
    /// - Parameters:
    ///   - call: the name of the system call or the file, for metrics and the error of a timeout.
    ///   - what: what it is done for, as errors name it.
    ///   - onLate: is given a result that comes after the caller has gone: the place to close what was opened.
    /// - Throws: what `body` throws, an `Errno` among it as a `VolumeError`; `timedOut` when it did not return in time.
    public func run<T: Sendable>(
        _ call: String, to what: String, timeout: Duration = .seconds(10),
        onLate: (@Sendable (Result<T, any Error>) -> Void)? = nil, _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        let timeout = Deadline.limiting(timeout, now: clock.now())
        do {
            return try await pool.run(call, timeout: timeout, onLate: onLate, body)
        } catch let error as BlockingPoolError {
            throw Self.translate(error, what)
        } catch let error as Errno {
            throw VolumeError(.unavailable, what, why: "\(call): \(error)")
        } catch is CancellationError {
            throw VolumeError(.timedOut, what, why: "the call was given up during \(call)", outcome: .unknown)
        }
    }

    private static func translate(_ error: BlockingPoolError, _ what: String) -> VolumeError {
        switch error {
        case .timedOut(_, _, started: true):
            VolumeError(
                .timedOut, what, why: "\(error)", remedy: "look whether Ceph answers, then try again", outcome: .unknown
            )
        case .timedOut(_, _, started: false):
            VolumeError(.timedOut, what, why: "\(error)", remedy: "try again")
        case .exhausted, .queueFull, .noThread, .closed:
            VolumeError(.unavailable, what, why: "\(error)", remedy: "look whether Ceph answers, then try again")
        }
    }
}

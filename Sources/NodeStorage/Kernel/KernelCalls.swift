import Blocking
import Synchronization
import SystemPackage
import VolumeCore

/// Makes system calls that can block on threads of their own, with a deadline.
///
/// A blocked system call cannot be interrupted: when its time is up the caller is told so, with outcome `unknown`, and
/// the thread stays in the call. Calls on devices and on mounted volumes, which block for as long as Ceph does not
/// answer, have their own threads, so that reading `/proc` and `/sys` always finds one; and each of them a lane of its own,
/// so that however many hang, the others do not wait.
public struct KernelCalls: Sendable {
    private let pool: BlockingPool
    private let devices: BlockingPool
    private let clock: any DriverClock

    /// - Parameter pool: for calls that do not depend on Ceph.
    package init(pool: BlockingPool, clock: any DriverClock) {
        self.pool = pool
        self.clock = clock
        devices = BlockingPool(name: "device-call", perLane: 1)
    }

    /// Calls on devices whose time was up and that have not returned.
    public var stuckDeviceCalls: Int { devices.stuckCalls }

    /// The smaller of `timeout` and what the operation has left.
    func timeLeft(_ timeout: Duration) -> Duration { Deadline.limiting(timeout, now: clock.now()) }

    /// Runs `body`, which only touches `/proc`, `/sys` and the plugin's own files, on one of the pool's threads.
    /// - Parameters:
    ///   - call: the name of the system call or the file, for metrics and the error of a timeout.
    ///   - what: what it is done for, as errors name it.
    /// - Throws: what `body` throws, an `Errno` among it as a `VolumeError`; `timedOut` when it did not return in time.
    public func run<T: Sendable>(
        _ call: String, to what: String, timeout: Duration = .seconds(10), _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await make(call, on: pool, in: "", to: what, timeout, body)
    }

    /// Runs `body`, which touches a device or a mounted volume, on one of the threads for that.
    ///
    /// While an earlier call of the same name has not returned, it is not made again: else one hung volume would take
    /// thread after thread.
    /// - Parameter call: names the call and the device.
    public func runOnDevice<T: Sendable>(
        _ call: String, to what: String, timeout: Duration = .seconds(10), _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await make(call, on: devices, in: call, to: what, timeout, body)
    }

    private func make<T: Sendable>(
        _ call: String, on pool: BlockingPool, in lane: String, to what: String, _ timeout: Duration,
        _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        let timeout = Deadline.limiting(timeout, now: clock.now())
        do {
            return try await pool.run(call, in: lane, timeout: timeout, body)
        } catch let error as BlockingPoolError {
            throw Self.translate(error, what)
        } catch let error as Errno {
            throw VolumeError(.unavailable, what, why: "\(call): \(error)")
        } catch is CancellationError {
            throw VolumeError(.timedOut, what, why: "the call was cancelled during \(call)", outcome: .unknown)
        }
    }

    private static func translate(_ error: BlockingPoolError, _ what: String) -> VolumeError {
        switch error {
        case .timedOut(_, _, started: true):
            .stuck(what, "\(error)")
        case .timedOut(_, _, started: false):
            VolumeError(.timedOut, what, why: "\(error)", remedy: "try again")
        case .exhausted(_, threads: 1, let earlier):
            .stuck(what, "an earlier \(earlier.joined()) still waits in the kernel")
        case .exhausted, .queueFull, .noThread, .closed:
            VolumeError(.unavailable, what, why: "\(error)", remedy: VolumeError.checkCeph)
        }
    }
}

import Synchronization
import SystemPackage
import VolumeCore

/// Makes system calls that can block on threads of their own, with a deadline.
///
/// A blocked system call cannot be interrupted: when its time is up the caller is told so, with outcome `unknown`, and
/// the thread stays in the call. Calls on devices and on mounted volumes, which block for as long as Ceph does not
/// answer, have their own threads, so that reading `/proc` and `/sys` always finds one.
public struct KernelCalls: Sendable {
    private let pool: BlockingPool
    private let devices: BlockingPool
    private let clock: any DriverClock
    private let stuck = StuckCalls()

    /// - Parameters:
    ///   - pool: for calls that do not depend on Ceph.
    ///   - devices: for calls that do; not the pool of Ceph's own calls, so that neither starves the other.
    public init(
        pool: BlockingPool, devices: BlockingPool = BlockingPool(name: "device-call", threads: 32),
        clock: any DriverClock
    ) {
        self.pool = pool
        self.devices = devices
        self.clock = clock
    }

    /// Calls on devices whose time was up and that have not returned.
    public var stuckDeviceCalls: Int { devices.stuckCalls }

    /// Runs `body`, which only touches `/proc`, `/sys` and the plugin's own files, on one of the pool's threads.
    /// - Parameters:
    ///   - call: the name of the system call or the file, for metrics and the error of a timeout.
    ///   - what: what it is done for, as errors name it.
    /// - Throws: what `body` throws, an `Errno` among it as a `VolumeError`; `timedOut` when it did not return in time.
    public func run<T: Sendable>(
        _ call: String, to what: String, timeout: Duration = .seconds(10), _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await make(call, on: pool, to: what, timeout, onLate: nil, body)
    }

    /// Runs `body`, which touches a device or a mounted volume, on one of the threads for that.
    ///
    /// While an earlier call of the same name has not returned, it is not made again: else one hung volume would take
    /// thread after thread.
    /// - Parameter call: names the call and the device.
    public func runOnDevice<T: Sendable>(
        _ call: String, to what: String, timeout: Duration = .seconds(10), _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        guard !stuck.contains(call) else {
            throw VolumeError(
                .timedOut, what, why: "an earlier \(call) still waits in the kernel",
                remedy: "look whether Ceph answers, then try again", outcome: .unknown)
        }
        let late = StuckCalls.Call(name: call, among: stuck)
        do {
            return try await make(call, on: devices, to: what, timeout, onLate: { _ in late.returned() }, body)
        } catch let error as VolumeError where error.outcome == .unknown {
            late.left()
            throw error
        }
    }

    private func make<T: Sendable>(
        _ call: String, on pool: BlockingPool, to what: String, _ timeout: Duration,
        onLate: (@Sendable (Result<T, any Error>) -> Void)?, _ body: @escaping @Sendable () throws -> T
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

/// The names of calls that their callers have left and that have not returned.
private final class StuckCalls: Sendable {
    private let names = Mutex<[String: Int]>([:])

    func contains(_ name: String) -> Bool { names.withLock { $0[name] != nil } }

    /// One call, which its caller may leave and which may return, in either order.
    final class Call: Sendable {
        private enum State { case made, left, returned }

        private let name: String
        private let others: StuckCalls
        private let state = Mutex(State.made)

        init(name: String, among others: StuckCalls) {
            self.name = name
            self.others = others
        }

        func left() {
            state.withLock { state in
                guard case .made = state else { return }
                state = .left
                others.names.withLock { $0[name, default: 0] += 1 }
            }
        }

        func returned() {
            state.withLock { state in
                if case .left = state {
                    others.names.withLock { names in
                        let rest = (names[name] ?? 1) - 1
                        names[name] = rest > 0 ? rest : nil
                    }
                }
                state = .returned
            }
        }
    }
}

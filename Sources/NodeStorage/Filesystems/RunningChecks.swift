import Synchronization

/// Checks of filesystems that go on beyond the call that began them: a repair that is killed half-way, at every mount
/// anew, is never done.
final class RunningChecks: Sendable {
    /// One e2fsck on one device.
    final class Check: Sendable {
        /// Which disk the device was when the check began.
        let disk: String
        let log: ChildLog
        private let verdict = Mutex<Result<CommandResult, any Error>?>(nil)

        init(disk: String, log: ChildLog) {
            self.disk = disk
            self.log = log
        }

        var ended: Result<CommandResult, any Error>? { verdict.withLock { $0 } }
        fileprivate func end(_ result: Result<CommandResult, any Error>) { verdict.withLock { $0 = result } }
    }

    private let checks = Mutex<[String: Check]>([:])

    /// The check that is at work on the device.
    func running(on device: String) -> Check? {
        checks.withLock { checks in checks[device].flatMap { $0.ended == nil ? $0 : nil } }
    }

    /// The check of that disk that runs, or whose verdict nobody has heard.
    /// - Parameter disk: `nil` where disks cannot be told apart: a verdict that nobody has heard is nobody's then.
    func known(on device: String, disk: String?) -> Check? {
        checks.withLock { checks in checks[device].flatMap { $0.ended == nil || $0.disk == disk ? $0 : nil } }
    }

    /// The check of that disk that runs or whose verdict nobody has heard, or a new one. It is nobody's child task: neither
    /// the call's deadline nor its cancellation ends it.
    func check(
        _ device: String, disk: String, _ run: @escaping @Sendable (ChildLog) async throws -> CommandResult
    ) throws -> Check {
        let log = try ChildLog()
        return checks.withLock { checks in
            if let known = checks[device], known.ended == nil || known.disk == disk { return known }
            let check = Check(disk: disk, log: log)
            checks[device] = check
            Task.detached {
                do { check.end(.success(try await run(log))) } catch { check.end(.failure(error)) }
            }
            return check
        }
    }

    /// The verdict has been heard: the next one who asks gets a new check.
    func forget(_ check: Check, on device: String) {
        checks.withLock { checks in
            if checks[device] === check { checks[device] = nil }
        }
    }
}

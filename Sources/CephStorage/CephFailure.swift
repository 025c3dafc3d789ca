import Glibc
import VolumeCore

extension VolumeError {
    /// What a failure of Ceph means for an operation on a volume.
    package init(ceph error: CephError, _ what: String) {
        let code: Code =
            if error.isBlocklisted {
                .fenced
            } else {
                switch error.code {
                case ENOENT: .notFound
                case EEXIST: .alreadyExists
                case EBUSY, ENOTEMPTY: .busy
                case ENOSPC, EDQUOT: .noSpace
                case ETIMEDOUT: .timedOut
                case EINVAL, EDOM, EOPNOTSUPP: .unsupported
                default: .unavailable
                }
            }
        self.init(code, what, why: "\(error)", outcome: error.outcome)
    }
}

/// Runs calls to Ceph for a port: cut down to the operation's deadline, and with failures told as the port's.
struct CephCalls: Sendable {
    let connection: CephConnection
    let clock: any DriverClock

    /// The time that a call may take which begins now.
    var limit: Duration { Deadline.limiting(connection.settings.timeouts.call, now: clock.now()) }

    /// - Parameter body: gets the time that the call may take.
    func callAsFunction<Value>(_ what: String, _ body: (Duration) async throws -> Value) async throws -> Value {
        do {
            return try await body(limit)
        } catch let error as CephError {
            throw VolumeError(ceph: error, what)
        }
    }

    func images(_ image: ImageReference) -> RBDImages {
        RBDImages(ImageLocation(image), connection: connection)
    }
}

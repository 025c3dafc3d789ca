import Blocking
import Glibc
import VolumeCore

/// A call to librados or librbd that gave no success: which call, on what, why, what is
/// known of its effect, and what to do about it.
public struct CephError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is known of the effect of the call. For one that failed, parts of it may remain.
    public typealias Outcome = VolumeError.Outcome

    /// The C function, such as `rbd_open`.
    public var call: String
    public var subject: CephSubject
    /// The error number, positive, such as `ENOENT`.
    public var code: CInt
    public var outcome: Outcome
    /// What is known beyond the error number: the monitor's own words, a missing file.
    public var detail: String?
    /// What an operator can do about it.
    public var remedy: String?

    public init(
        call: String, subject: CephSubject, code: CInt, outcome: Outcome, detail: String? = nil,
        remedy: String? = nil
    ) {
        self.call = call
        self.subject = subject
        self.code = code
        self.outcome = outcome
        self.detail = detail
        self.remedy = remedy ?? CephRemedy.hint(code: code, call: call, subject: subject)
    }

    public var description: String {
        var text = "\(subject): \(call): \(CephErrno.words(code, of: subject)) (\(CephErrno.name(code)))"
        if let detail, !detail.isEmpty { text += ": \(detail)" }
        if outcome == .unknown { text += "; it is unknown whether it happened" }
        if let remedy { text += ". \(remedy)" }
        return text
    }

    /// There is no such pool, namespace, image, snapshot or key.
    public var isNotFound: Bool { code == ENOENT }
    /// Something of that name exists already.
    public var isExists: Bool { code == EEXIST }
    /// Somebody has it open.
    public var isBusy: Bool { code == EBUSY }
    /// The user's key or capabilities do not allow it.
    public var isDenied: Bool { code == EACCES || code == EPERM }
    /// No answer in time.
    public var isTimedOut: Bool { code == ETIMEDOUT }
    /// The cluster refuses this client: `EBLOCKLISTED`, which Linux knows as `ESHUTDOWN`.
    public var isBlocklisted: Bool { code == CephErrno.blocklisted }

    /// The connection itself is of no use any more and has to be made anew.
    var breaksConnection: Bool { isBlocklisted || code == ENOTCONN }
}

/// One call to Ceph, as it is named in errors, metrics and logs.
struct CephCall: Sendable, Hashable {
    /// The C function.
    let name: String
    let subject: CephSubject
    /// Whether it changes anything: then a lost answer leaves the outcome unknown.
    let mutates: Bool

    static func reading(_ name: String, _ subject: CephSubject) -> CephCall {
        CephCall(name: name, subject: subject, mutates: false)
    }

    static func changing(_ name: String, _ subject: CephSubject) -> CephCall {
        CephCall(name: name, subject: subject, mutates: true)
    }

    /// The error of a C return value or errno, of either sign.
    func error(_ code: CInt, detail: String? = nil) -> CephError {
        let code = code < 0 ? 0 &- code : code
        return CephError(
            call: name, subject: subject, code: code,
            outcome: CephErrno.outcome(code, mutates: mutates), detail: detail)
    }

    /// Passes a return value of zero or more on and throws a negative one.
    @discardableResult
    func check(_ code: CInt) throws -> CInt {
        if code < 0 { throw error(code) }
        return code
    }

    /// Passes a count of bytes on and throws a negative one.
    func check(_ count: Int) throws -> Int {
        if count < 0 { throw error(CInt(clamping: count)) }
        return count
    }

    /// Refuses texts that a C string would cut short: what is left would name something else.
    func refuseNUL(in texts: [String]) throws {
        guard texts.contains(where: { $0.utf8.contains(0) }) else { return }
        throw CephError(
            call: name, subject: subject, code: EINVAL, outcome: .refused,
            detail: "a name or value contains a NUL byte",
            remedy: "Leave it out.")
    }

    /// Refuses a size in bytes that no block device can have; librbd takes any.
    func refuseTooLarge(_ size: UInt64) throws {
        guard size > UInt64(Int64.max) else { return }
        throw error(EFBIG, detail: "\(size) bytes")
    }

    /// The error of a call that the pool did not make or did not see through.
    func error(_ error: BlockingPoolError) -> CephError {
        switch error {
        case .timedOut(_, _, let started):
            CephError(
                call: name, subject: subject, code: ETIMEDOUT,
                outcome: started ? CephErrno.outcome(ETIMEDOUT, mutates: mutates) : .refused,
                detail: error.description)
        case .exhausted, .queueFull, .noThread, .closed:
            CephError(
                call: name, subject: subject, code: EAGAIN, outcome: .refused, detail: error.description,
                remedy: "Ceph has not answered earlier calls: check 'ceph -s'.")
        }
    }
}

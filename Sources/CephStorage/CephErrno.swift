import Glibc
import VolumeCore

/// Error numbers in words, and what each says about the effect of a call.
enum CephErrno {
    /// `EBLOCKLISTED`: Ceph uses the number of `ESHUTDOWN`, 108.
    static let blocklisted = ESHUTDOWN

    /// The sentence of `strerror`, or what the number means of something in Ceph.
    static func words(_ code: CInt, of subject: CephSubject) -> String {
        switch (code, subject) {
        case (ENOENT, .cluster), (ENOENT, .option), (ENOENT, .command): String(cString: strerror(code))
        default: words(code)
        }
    }

    private static func words(_ code: CInt) -> String {
        switch code {
        case ENOENT: "it does not exist"
        case EEXIST: "it already exists"
        case EBUSY: "it is in use"
        case ENOTEMPTY: "it has snapshots"
        case blocklisted: "this client is on the cluster's blocklist"
        case EDOM: "a value is out of range"
        case ETIMEDOUT: "no answer in time"
        default: String(cString: strerror(code))
        }
    }

    /// The symbol, such as `ENOENT`, or the bare number where it has no entry here.
    static func name(_ code: CInt) -> String {
        names[code] ?? "errno \(code)"
    }

    private static let names: [CInt: String] = [
        EPERM: "EPERM", ENOENT: "ENOENT", EINTR: "EINTR", EIO: "EIO", ENXIO: "ENXIO", EBADF: "EBADF",
        EAGAIN: "EAGAIN", ENOMEM: "ENOMEM", EACCES: "EACCES", EBUSY: "EBUSY", EEXIST: "EEXIST",
        ENODEV: "ENODEV", ENOTDIR: "ENOTDIR", EINVAL: "EINVAL", EFBIG: "EFBIG", ENOSPC: "ENOSPC",
        EROFS: "EROFS", EDOM: "EDOM", ERANGE: "ERANGE", ENAMETOOLONG: "ENAMETOOLONG", ENOSYS: "ENOSYS",
        ENOTEMPTY: "ENOTEMPTY", EILSEQ: "EILSEQ", EOPNOTSUPP: "EOPNOTSUPP", EISCONN: "EISCONN",
        ENOTCONN: "ENOTCONN", ESHUTDOWN: "EBLOCKLISTED", ETIMEDOUT: "ETIMEDOUT",
        ECONNREFUSED: "ECONNREFUSED", EALREADY: "EALREADY", EDQUOT: "EDQUOT", ECANCELED: "ECANCELED",
    ]

    /// Answers by which Ceph declines before it changes anything.
    private static let refusals: Set<CInt> = [
        EPERM, ENOENT, ENXIO, EBADF, EAGAIN, EACCES, EBUSY, EEXIST, ENODEV, EINVAL, EFBIG, EROFS, EDOM,
        ERANGE, ENAMETOOLONG, ENOSYS, ENOTEMPTY, EILSEQ, EOPNOTSUPP,
    ]

    static func outcome(_ code: CInt, mutates: Bool) -> CephError.Outcome {
        if refusals.contains(code) { return .refused }
        // The request may have reached the cluster; only its answer is missing.
        if mutates && (code == ETIMEDOUT || code == ENOTCONN || code == EINTR) { return .unknown }
        return .failed
    }
}

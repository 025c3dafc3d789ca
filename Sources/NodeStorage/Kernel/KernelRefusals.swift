import VolumeCore

/// Failures that many calls to the kernel share, each said in one way.
extension VolumeError {
    /// A call or a child waits in the kernel, as it does while Ceph does not answer. What it does is not known.
    static func stuck(_ what: String, _ why: String) -> VolumeError {
        VolumeError(.timedOut, what, why: why, remedy: checkCeph, outcome: .unknown)
    }

    /// The kernel says that a device or a mount is in use.
    /// - Parameters:
    ///   - users: the processes that were found to use it, as `DeviceHolders` names them.
    ///   - outcome: `refused` where nothing was touched.
    static func busy(_ what: String, _ why: String, users: [String], outcome: Outcome = .refused) -> VolumeError {
        VolumeError(
            .busy, what, why: why + DeviceHolders.clause(users), remedy: "stop what uses it, then try again",
            outcome: outcome)
    }

    static let checkCeph = "check that Ceph answers, then try again"
}

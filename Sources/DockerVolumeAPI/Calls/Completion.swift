import LocalHTTP

/// A mount that answered success: what an Unmount needs to take it back.
struct MountClaim: Equatable, Sendable {
    let name: String
    let id: String
}

/// How a call's work ended.
struct Completion: Equatable, Sendable {
    var answer: Answer
    var outcome = OperationOutcome.ok
    /// Set when the work has mounted: to be undone when nobody gets the answer.
    var mounted: MountClaim?
    /// For the log.
    var failure: String?
}

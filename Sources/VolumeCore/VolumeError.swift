/// Why an operation on a volume did not succeed: what failed, on what, why, and what to do about it.
///
/// The description is one text for people; `code` is for programs (metrics, tests, exit codes).
/// Secrets never go into any of the texts.
public struct VolumeError: Error, Sendable, Equatable {
    public enum Code: String, Sendable, CaseIterable {
        case invalidName, invalidOption, notFound, alreadyExists, foreignImage, inUse, busy, ownedElsewhere
        case unfinished, unsupported, noSpace, damaged, conflict, unavailable, timedOut, fenced, shortFence,
            unexplained, internalFault
        /// Nothing went wrong: it was only asked what can be asked for.
        case help
        /// The filesystem is being checked, which goes on beyond the call. Nothing of it must be undone.
        case checking
    }

    /// What is known about the world after the failure.
    public enum Outcome: String, Sendable {
        /// The request was answered with no; nothing was changed.
        case refused
        /// It was tried and did not happen.
        case failed
        /// It may or may not have happened: read back before trying again.
        case unknown
    }

    public var code: Code
    public var outcome: Outcome
    /// What was being done, and to what: `map image rbd/db`.
    public var what: String
    /// The reason, the underlying tool's own words included.
    public var why: String
    /// What the reader can do; empty when the reason already says it.
    public var remedy: String

    public init(_ code: Code, _ what: String, why: String, remedy: String = "", outcome: Outcome = .failed) {
        self.code = code
        self.outcome = outcome
        self.what = what
        self.why = why
        self.remedy = remedy
    }
}

extension VolumeError: CustomStringConvertible {
    public var description: String {
        let reason = "cannot \(what): \(why)"
        return remedy.isEmpty ? reason : "\(reason); \(remedy)"
    }
}

/// What one check came to.
public struct CheckResult: Sendable, Hashable {
    public let check: Check
    /// What was looked at, where there are several: an endpoint, a pool.
    public let subject: String
    /// In a few words what was seen.
    public let summary: String
    public let findings: [Finding]
    private let isUnknown: Bool

    /// - Parameter summary: what was seen; for a check with findings they say it, if it is empty.
    public init(_ check: Check, _ subject: String = "", _ summary: String, _ findings: [Finding] = []) {
        self.init(check, subject, summary, findings, isUnknown: false)
    }

    private init(_ check: Check, _ subject: String, _ summary: String, _ findings: [Finding], isUnknown: Bool) {
        self.check = check
        self.subject = subject
        self.summary = summary
        self.findings = findings
        self.isUnknown = isUnknown
    }

    /// A check that could not be made.
    /// - Parameter reason: why, in a few words.
    public static func unknown(_ check: Check, _ subject: String = "", because reason: String) -> CheckResult {
        CheckResult(check, subject, reason, [], isUnknown: true)
    }

    /// The worst of its findings.
    public var verdict: Verdict { findings.map(\.verdict).max() ?? (isUnknown ? .unknown : .ok) }
}

/// One thing that a person should know of.
public struct Finding: Sendable, Hashable {
    public let code: FindingCode
    /// What was found, on what: one sentence without its full stop, whose words may be a server's.
    public let what: String
    /// What to type, or to change.
    public let remedy: String

    public init(_ code: FindingCode, _ what: String, remedy: String) {
        self.code = code
        self.what = what.hasSuffix(".") ? String(what.dropLast()) : what
        self.remedy = remedy
    }

    public var verdict: Verdict { code.verdict }
    public var why: String { code.why }
}

import FoundationEssentials

/// `rbd-plugin doctor --json`. Fields are added, and none is renamed or given another meaning without a new `schema`.
public struct ExaminationJSON: Encodable {
    private let schema = 1
    private let version: String
    private let node: String
    private let verdict: Verdict
    private let exitCode: Int32
    private let conclusion: String
    private let checks: [CheckJSON]

    private struct CheckJSON: Encodable {
        let check: Check
        let subject: String
        let verdict: Verdict
        let summary: String
        let findings: [FindingJSON]
    }

    private struct FindingJSON: Encodable {
        let code: FindingCode
        let verdict: Verdict
        let what: String
        let why: String
        let remedy: String
    }

    /// - Parameters:
    ///   - version: of the program.
    ///   - node: this node's name; empty when it is not known.
    public init(_ examination: Examination, version: String, node: String) {
        self.version = version
        self.node = node
        verdict = examination.verdict
        exitCode = examination.exitCode
        conclusion = examination.conclusion
        checks = examination.results.map { result in
            CheckJSON(
                check: result.check, subject: result.subject, verdict: result.verdict, summary: result.summary,
                findings: result.findings.map {
                    FindingJSON(code: $0.code, verdict: $0.verdict, what: $0.what, why: $0.why, remedy: $0.remedy)
                })
        }
    }

    /// With sorted keys, and a line feed at its end.
    public func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

extension Examination {
    /// For people: a line for each check, below it each finding with what to do, and the verdict at the end.
    /// - Parameter isColoured: whether verdicts are coloured, for a terminal.
    public func text(isColoured: Bool) -> String {
        let widths = (
            verdict: Verdict.allCases.map(\.rawValue.count).max() ?? 0, name: results.map(\.name.count).max() ?? 0
        )
        var lines: [String] = []
        for result in results {
            let verdict = Self.padded(result.verdict.rawValue, widths.verdict)
            let shown = isColoured ? Self.coloured(verdict, result.verdict) : verdict
            lines.append("\(shown)  \(Self.padded(result.name, widths.name))  \(result.line)")
            let margin = String(repeating: " ", count: widths.verdict + 2)
            for finding in result.findings {
                lines.append("\(margin)\(finding.code.rawValue): \(finding.what).")
                lines.append("\(margin)  why: \(finding.why)")
                lines.append("\(margin)  do:  \(finding.remedy)")
            }
        }
        lines.append("")
        lines.append(isColoured ? Self.coloured(conclusion, verdict) : conclusion)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func coloured(_ text: String, _ verdict: Verdict) -> String {
        let colour =
            switch verdict {
            case .ok: 32
            case .unknown: 36
            case .warning: 33
            case .fault: 31
            }
        return "\u{1b}[\(colour)m\(text)\u{1b}[0m"
    }
}

extension CheckResult {
    fileprivate var name: String { subject.isEmpty ? check.rawValue : "\(check.rawValue) \(subject)" }

    fileprivate var line: String {
        if !summary.isEmpty { return summary }
        return findings.count == 1 ? "1 finding" : "\(findings.count) findings"
    }
}

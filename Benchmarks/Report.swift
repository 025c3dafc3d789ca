import FoundationEssentials
import Glibc

/// All lines; as a table, as JSON and as a chart.
struct Report: Sendable, Encodable {
    var mapper: String
    var repetitions: Int
    var lines: [ReportLine] = []
    /// What is no ratio: memory, counts of requests.
    var figures: [String: String] = [:]
    /// What could not be measured here, and why.
    var leftOut: [String] = []

    mutating func add(
        _ what: String, _ measured: Samples, against baseline: String, _ base: Duration, goal: Double? = nil,
        byP95: Bool = false
    ) {
        add(ReportLine(what, measured, against: baseline, base, goal: goal, byP95: byP95))
    }

    mutating func add(_ line: ReportLine) {
        Bench.say("\(line.what): \(line.ratio.shown) of \(line.baseline)")
        lines.append(line)
    }

    mutating func leaveOut(_ what: String, since why: String) {
        Bench.say("left out: \(what), since \(why)")
        leftOut.append("\(what), since \(why)")
    }

    var table: String {
        var rows = [["what", "median", "p95", "unit", "against", "median", "ratio", "goal", ""]]
        for line in lines {
            rows.append([
                line.what, line.value.shown, line.p95?.shown ?? "", line.unit.rawValue, line.baseline,
                line.baselineValue.shown, line.ratio.shown, line.goal.map { "≤ \($0.shown)" } ?? "", line.verdict,
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }
        for (name, value) in figures.sorted(by: { $0.key < $1.key }) { text.append("\(name): \(value)") }
        text += leftOut.map { "left out: \($0)" }
        return text.joined(separator: "\n")
    }

    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(self)
    }

    /// The lines that have a goal, each with a bar for its ratio and a mark for the goal, on a logarithmic scale.
    var chart: String {
        let shown = lines.filter { $0.goal != nil }
        let (left, width, row) = (330.0, 360.0, 24.0)
        func x(_ ratio: Double) -> Double {
            let (low, high) = (log10(0.01), log10(20.0))
            return left + width * (min(max(log10(max(ratio, 0.01)), low), high) - low) / (high - low)
        }
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" width="760" height="\(Int(row * Double(shown.count) + 40))" \
            font-family="sans-serif" font-size="12">
            """,
            "<text x=\"10\" y=\"16\">each as a ratio to its baseline (\(mapper)); the mark is the goal</text>",
        ]
        for (index, line) in shown.enumerated() {
            let y = 28 + Double(index) * row
            let colour = line.verdict == "reached" ? "#2a7" : "#c63"
            let goal = x(line.goal ?? 1)
            parts.append("<text x=\"10\" y=\"\(y + 14)\">\(line.what) / \(line.baseline)</text>")
            parts.append(
                "<rect x=\"\(left)\" y=\"\(y + 3)\" width=\"\(x(line.ratio) - left)\" height=\"14\" fill=\"\(colour)\"/>"
            )
            parts.append("<line x1=\"\(goal)\" x2=\"\(goal)\" y1=\"\(y)\" y2=\"\(y + 20)\" stroke=\"black\"/>")
            parts.append("<text x=\"\(left + width + 6)\" y=\"\(y + 14)\">\(line.ratio.shown)</text>")
        }
        return (parts + ["</svg>", ""]).joined(separator: "\n")
    }
}

extension Double {
    /// Three significant digits.
    var shown: String {
        guard self != 0 else { return "0" }
        let digits = max(0, 2 - Int(log10(abs(self)).rounded(.down)))
        let factor = pow(10.0, Double(digits))
        let rounded = (self * factor).rounded() / factor
        return digits == 0 ? "\(Int(rounded))" : "\(rounded)"
    }
}

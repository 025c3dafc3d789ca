/// One line of a scrape: `name` + `suffix` + labels + value.
struct Sample: Equatable, Sendable {
    /// `""`, `_bucket`, `_sum` or `_count`.
    var suffix = ""
    /// The upper bound of a histogram's bucket, as it is printed.
    var upperBound: String?
    var value: Double
}

/// The text format, version 0.0.4.
enum Exposition {
    static func header(name: String, help: String?, kind: MetricKind) -> String {
        let help = help.map { "# HELP \(name) \(escapedHelp($0))\n" } ?? ""
        return help + "# TYPE \(name) \(kind.rawValue)\n"
    }

    static func line(name: String, labels: LabelSet, sample: Sample) -> String {
        var pairs = labels.pairs.map { "\($0.name)=\"\(escapedLabel($0.value))\"" }
        if let bound = sample.upperBound {
            pairs.append("le=\"\(bound)\"")
        }
        let braces = pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
        return "\(name)\(sample.suffix)\(braces) \(number(sample.value))\n"
    }

    /// Whole numbers without a fraction; everything else as Swift prints it, which Prometheus reads.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? String(value)
    }

    private static func escapedHelp(_ text: String) -> String {
        escaped(text, quotes: false)
    }

    private static func escapedLabel(_ text: String) -> String {
        escaped(text, quotes: true)
    }

    /// By scalar, not by character: a CR followed by an LF is one character and would hide the line feed.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: result.append(contentsOf: "\\\"".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}

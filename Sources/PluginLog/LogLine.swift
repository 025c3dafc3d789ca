import FoundationEssentials
import Logging
import PluginConfiguration

/// One line of the log.
struct LogLine {
    var level: Logger.Level
    var label: String
    var message: String
    /// The module that it comes from.
    var source: String
    var metadata: [String: String]
    /// When it happened; `nil` where whoever reads the line adds that.
    var time: Date?

    func bytes(_ format: LogFormat) -> [UInt8] {
        let line =
            switch format {
            case .text: text
            case .json: json
            }
        return Array(line.utf8) + [UInt8(ascii: "\n")]
    }

    private var text: String {
        let fields = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let parts = [timeText, "\(level.rawValue)", "\(label):"].compactMap { $0 } + fields + ["[\(source)]", message]
        return Self.oneLine(parts.joined(separator: " "))
    }

    /// Line breaks become blanks, and other control characters their numbers: what is logged are others' words, which must
    /// not look like events of their own, nor speak to a terminal. By scalar: Swift takes a CR and an LF for one character.
    private static func oneLine(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\r", "\t", "\u{2028}", "\u{2029}": line.append(" ")
            case _ where scalar.properties.generalCategory == .control:
                line.append(contentsOf: scalar.escaped(asASCII: true).unicodeScalars)
            default: line.append(scalar)
            }
        }
        return String(line)
    }

    private var json: String {
        var fields = metadata
        fields["time"] = timeText
        fields["level"] = level.rawValue
        fields["logger"] = label
        fields["message"] = message
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings can always be encoded.
        return (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private var timeText: String? { time.map { $0.formatted(.iso8601) } }

    /// What makes a warning the same as an earlier one: all but the numbers in what went wrong, such as milliseconds.
    var kind: String {
        let fields = metadata.sorted { $0.key < $1.key }.map { key, value in
            let isReason = ["error", "reason", "why"].contains(key)
            return "\(key)=\(isReason ? String(value.map { $0.isNumber ? "0" : $0 }) : value)"
        }
        return ([level.rawValue, label, source, message] + fields).joined(separator: "\n")
    }
}

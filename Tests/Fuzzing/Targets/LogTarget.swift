import FoundationEssentials
import Logging
import VolumeCore

@testable import PluginConfiguration
@testable import PluginLog
@testable import PrometheusMetrics

/// What others say, as the log, the metrics and errors show it.
struct LogTarget: FuzzTarget {
    let name = "log"
    let words = ["\r\n", "\n", "\r", "error rbd-plugin: [x]", "\u{2028}", "\u{85}", "\u{0B}", "\u{0C}", "\u{1B}[2J"]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let said = text(input)
        let line = LogLine(
            level: .warning, label: "rbd-plugin", message: said, source: "x", metadata: ["volume": said, said: "v"],
            time: nil)
        for format in [LogFormat.text, .json] {
            let bytes = line.bytes(format)
            try hold(bytes.firstIndex(of: UInt8(ascii: "\n")) == bytes.count - 1, "one event is more than one line")
            try hold(!bytes.dropLast().contains { $0 < 0x20 }, "a line holds a control character")
        }
        let shown = ShownText.shown(said)
        try hold(shown.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, "an error is not one line")
        let sample = Exposition.line(
            name: "m", labels: LabelSet([("volume", said), (said, "x")]), sample: Sample(value: 1))
        try hold(sample.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1, "a metric is more than one line")
        return "\(shown.utf8.count == said.utf8.count) \(min(line.kind.utf8.count / 64, 8))"
    }
}

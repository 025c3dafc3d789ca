import PluginConfiguration
import PluginLog

/// Where log lines go.
enum LogOutput {
    static func bootstrap(_ settings: LogSettings) {
        PluginLog(settings, for: .ofThisProcess) { Output.write($0, to: $1) }.bootstrap()
    }
}

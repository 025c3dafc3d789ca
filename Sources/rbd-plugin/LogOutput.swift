import Logging
import PluginConfiguration
import PluginLog
import Synchronization

/// Where log lines go.
enum LogOutput {
    private static let log = Mutex<PluginLog?>(nil)

    static func bootstrap(_ settings: LogSettings) throws {
        let log = try PluginLog(settings, for: .ofThisProcess) { Output.write($0, to: $1) }
        log.bootstrap()
        Self.log.withLock { $0 = log }
    }

    /// How much is logged from now on.
    static func setLevel(_ level: Logger.Level) { log.withLock { $0 }?.setLevel(level) }

    /// How many lines were dropped because nobody took them.
    static var droppedLines: Int { log.withLock { $0 }?.droppedLines ?? 0 }

    /// Before the program ends: what was logged is written, unless whoever reads it has stopped.
    static func flush() async { await log.withLock { $0 }?.flush(within: .seconds(2)) }
}

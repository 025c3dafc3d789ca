import Logging
import VolumeCore

/// What is logged, and how.
public struct LogSettings: Sendable, Equatable {
    public var level: Logger.Level
    public var format: LogFormat

    public init(level: Logger.Level, format: LogFormat) {
        self.level = level
        self.format = format
    }
}

/// The form of a line of the log.
public enum LogFormat: String, Sendable, CaseIterable {
    case text, json
}

extension LogSettings {
    init?(from reader: inout SettingsReader) {
        let level = reader.value(.logLevel, Self.level)
        let format: LogFormat? = reader.value(.logFormat, Text.choice)
        guard let level, let format else { return nil }
        self.init(level: level, format: format)
    }

    /// The level that is set for all nodes, else the node's own.
    public func level(following global: GlobalSettings) -> Logger.Level {
        global.logLevel.flatMap { Self.levels[$0.rawValue] } ?? level
    }

    private static let levels: [String: Logger.Level] = [
        "0": .error, "1": .warning, "2": .info, "3": .debug,
        "error": .error, "warn": .warning, "warning": .warning, "info": .info, "debug": .debug,
    ]

    private static func level(_ text: String) throws(Refusal) -> Logger.Level {
        guard let level = levels[text.lowercased()] else {
            throw Refusal("it must be 0 or error, 1 or warn, 2 or info, 3 or debug")
        }
        return level
    }
}

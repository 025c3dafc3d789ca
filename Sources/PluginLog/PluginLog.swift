import FoundationEssentials
import Glibc
import Logging
import PluginConfiguration
import Synchronization

/// The log of the program: one line an event.
public struct PluginLog: Sendable {
    /// Who reads the lines.
    public enum Reader: Sendable, CaseIterable {
        /// A person, or systemd's journal: all lines go to standard error, each with its time.
        case host
        /// Docker, or whatever else runs the program as a container. It notes the time itself, and takes standard error
        /// for errors: warnings and errors go there, all else to standard output.
        case container

        /// The reader of this process's lines: process 1 of a namespace is a container.
        public static var ofThisProcess: Reader { getpid() == 1 ? .container : .host }
    }

    /// Where a line goes.
    enum Stream: Sendable, Equatable {
        case output, error
    }

    private let settings: LogSettings
    private let reader: Reader
    private let repetition = Shared()
    private let write: @Sendable ([UInt8], Stream) -> Void

    /// - Parameter write: writes one whole line to one of the descriptors 1 and 2.
    public init(_ settings: LogSettings, for reader: Reader, write: @escaping @Sendable ([UInt8], CInt) -> Void) {
        self.init(settings, reader) { write($0, $1 == .output ? STDOUT_FILENO : STDERR_FILENO) }
    }

    init(_ settings: LogSettings, _ reader: Reader, to write: @escaping @Sendable ([UInt8], Stream) -> Void) {
        self.settings = settings
        self.reader = reader
        self.write = write
    }

    /// All loggers of the program write here from now on. May be called once.
    public func bootstrap() { LoggingSystem.bootstrap { handler(label: $0) } }

    func handler(label: String) -> some LogHandler {
        var handler = Handler(log: self, label: label)
        handler.logLevel = settings.level
        return handler
    }

    fileprivate func write(_ line: LogLine) {
        var line = line
        if line.level >= .warning {
            guard case .tell(let leftOut) = repetition.judge(line.kind) else { return }
            if leftOut > 0 { line.metadata["repeats"] = "\(leftOut)" }
        }
        line.time = reader == .host ? Date.now : nil
        let isError = reader == .host || line.level >= .warning
        write(line.bytes(settings.format), isError ? .error : .output)
    }

    /// What all loggers know together of what was told before.
    private final class Shared: Sendable {
        private let repetition = Mutex(Repetition())

        func judge(_ warning: String) -> Repetition.Verdict {
            repetition.withLock { $0.judge(warning, at: .now) }
        }
    }
}

private struct Handler: LogHandler {
    let log: PluginLog
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(log: PluginLog, label: String) {
        self.log = log
        self.label = label
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
        log.write(
            LogLine(
                level: event.level, label: label, message: "\(event.message)", source: event.source, metadata: fields))
    }
}

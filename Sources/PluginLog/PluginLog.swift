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

        /// The time of a line, where the reader does not note it.
        fileprivate var timeNow: Date? { self == .host ? Date.now : nil }
    }

    /// Where a line goes.
    enum Stream: Sendable, Equatable {
        case output, error
    }

    private let settings: LogSettings
    private let reader: Reader
    private let shared: Shared
    private let writers: [LogWriter]
    private let take: @Sendable (_ line: [UInt8], _ isGrave: Bool, Stream) -> Void

    /// Nobody who logs waits for the reader: lines that he does not take are kept within bounds, and then dropped.
    ///
    /// - Parameter write: writes one whole line to one of the descriptors 1 and 2, for as long as that takes, and says
    ///   whether it did. Called on threads that do nothing else.
    /// - Throws: when no thread can be started.
    public init(
        _ settings: LogSettings, for reader: Reader, write: @escaping @Sendable ([UInt8], CInt) -> Bool
    ) throws {
        // Each stream has a reader of its own, who may be the only one that has stopped.
        let error = try LogWriter(note: { Self.dropped($0, .warning, reader).bytes(settings.format) }) {
            write($0, STDERR_FILENO)
        }
        let output = try LogWriter(note: { Self.dropped($0, .notice, reader).bytes(settings.format) }) {
            write($0, STDOUT_FILENO)
        }
        self.init(settings, reader, [error, output]) { line, isGrave, stream in
            (stream == .error ? error : output).add(line, isGrave: isGrave)
        }
    }

    init(_ settings: LogSettings, _ reader: Reader, to write: @escaping @Sendable ([UInt8], Stream) -> Void) {
        self.init(settings, reader, []) { line, _, stream in write(line, stream) }
    }

    private init(
        _ settings: LogSettings, _ reader: Reader, _ writers: [LogWriter],
        take: @escaping @Sendable ([UInt8], Bool, Stream) -> Void
    ) {
        self.settings = settings
        shared = Shared(settings.level)
        self.reader = reader
        self.writers = writers
        self.take = take
    }

    /// How many lines nobody has taken in time, and were dropped.
    public var droppedLines: Int { writers.reduce(0) { $0 + $1.dropped } }

    /// Waits until all that was logged is written, at most so long.
    public func flush(within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while writers.contains(where: { !$0.isIdle }), ContinuousClock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    /// All loggers of the program write here from now on. May be called once.
    public func bootstrap() { LoggingSystem.bootstrap { handler(label: $0) } }

    func handler(label: String) -> some LogHandler {
        Handler(log: self, label: label)
    }

    /// All loggers of the program, but for those that have a level of their own, log so much from now on.
    public func setLevel(_ level: Logger.Level) { shared.setLevel(level) }

    fileprivate var level: Logger.Level { shared.level }

    fileprivate func write(_ line: LogLine) {
        var line = line
        if line.level >= .warning {
            guard case .tell(let leftOut) = shared.judge(line.kind) else { return }
            if leftOut > 0 { line.metadata["repeats"] = "\(leftOut)" }
        }
        line.time = reader.timeNow
        let isGrave = line.level >= .warning
        take(line.bytes(settings.format), isGrave, reader == .host || isGrave ? .error : .output)
    }

    private static func dropped(_ count: Int, _ level: Logger.Level, _ reader: Reader) -> LogLine {
        LogLine(
            level: level, label: "rbd-plugin",
            message: "dropped lines because nobody read the log in time",
            source: "PluginLog", metadata: ["lines": "\(count)"], time: reader.timeNow)
    }

    /// What all loggers have together: how much they log, and what was told before.
    private final class Shared: Sendable {
        private let repetition = Mutex(Repetition())
        private let levelNumber: Atomic<Int>

        init(_ level: Logger.Level) { levelNumber = Atomic(Self.number(of: level)) }

        var level: Logger.Level { Logger.Level.allCases[levelNumber.load(ordering: .relaxed)] }

        func setLevel(_ level: Logger.Level) { levelNumber.store(Self.number(of: level), ordering: .relaxed) }

        private static func number(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }

        func judge(_ warning: String) -> Repetition.Verdict {
            repetition.withLock { $0.judge(warning, at: .now) }
        }
    }
}

private struct Handler: LogHandler {
    let log: PluginLog
    let label: String
    private var ownLevel: Logger.Level?
    var logLevel: Logger.Level {
        get { ownLevel ?? log.level }
        set { ownLevel = newValue }
    }
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

import FoundationEssentials
import Logging
import PluginConfiguration
import Synchronization
import Testing

@testable import PluginLog

/// Where lines go and what they look like.
@Suite struct PluginLogTests {
    private final class Lines: Sendable {
        let all = Mutex<[(text: String, stream: PluginLog.Stream)]>([])

        func logger(_ format: LogFormat, for reader: PluginLog.Reader) -> Logger {
            let log = PluginLog(LogSettings(level: .debug, format: format), reader) { bytes, stream in
                self.all.withLock { $0.append((String(decoding: bytes, as: UTF8.self), stream)) }
            }
            return Logger(label: "rbd-plugin") { log.handler(label: $0) }
        }
    }

    @Test(
        "D6: in a container, info and below go to standard output and the rest to standard error, none with a time",
        arguments: LogFormat.allCases)
    func d6Container(format: LogFormat) {
        let lines = Lines()
        let logger = lines.logger(format, for: .container)
        for level in [Logger.Level.debug, .info, .notice, .warning, .error] { logger.log(level: level, "happened") }
        let all = lines.all.withLock { $0 }
        #expect(all.map(\.stream) == [.output, .output, .output, .error, .error])
        let year = "\(Date.now.formatted(.iso8601).prefix(5))"
        for line in all {
            #expect(!line.text.contains(year), "\(line.text)")
            #expect(line.text.contains("happened") && line.text.hasSuffix("\n"))
        }
    }

    @Test("D6: elsewhere every line goes to standard error with its time", arguments: LogFormat.allCases)
    func d6Host(format: LogFormat) {
        let lines = Lines()
        let logger = lines.logger(format, for: .host)
        for level in [Logger.Level.info, .error] { logger.log(level: level, "happened") }
        let year = "\(Date.now.formatted(.iso8601).prefix(5))"
        for line in lines.all.withLock({ $0 }) {
            #expect(line.stream == .error)
            #expect(line.text.contains(year), "\(line.text)")
        }
    }

    @Test("How much is logged changes for loggers that there are already, but for those with a level of their own")
    func level() {
        let lines = Lines()
        let log = PluginLog(LogSettings(level: .warning, format: .text), .host) { bytes, stream in
            lines.all.withLock { $0.append((String(decoding: bytes, as: UTF8.self), stream)) }
        }
        let logger = Logger(label: "rbd-plugin") { log.handler(label: $0) }
        var quiet = logger
        quiet.logLevel = .error
        logger.info("one")
        log.setLevel(.debug)
        logger.debug("two")
        quiet.warning("three")
        log.setLevel(.warning)
        logger.notice("four")
        logger.warning("five")
        #expect(logger.logLevel == .warning && quiet.logLevel == .error)
        let told = lines.all.withLock { $0.map(\.text) }
        #expect(told.count == 2 && told[0].contains("two") && told[1].contains("five"), "\(told)")
    }

    @Test("A line of text is one line, with its fields in order")
    func text() {
        let lines = Lines()
        lines.logger(.text, for: .container).error("failed", metadata: ["volume": "db", "error": "a\nb"])
        #expect(
            lines.all.withLock { $0.map(\.text) }
                == ["error rbd-plugin: error=a b volume=db [PluginLogTests] failed\n"])
    }

    @Test("A line of JSON is one object")
    func json() {
        let lines = Lines()
        lines.logger(.json, for: .container).error("failed", metadata: ["volume": "db", "error": "a\nb"])
        #expect(
            lines.all.withLock { $0.map(\.text) } == [
                #"{"error":"a\nb","level":"error","logger":"rbd-plugin","message":"failed","volume":"db"}"# + "\n"
            ])
    }

    @Test("D10: the same warning is told once, with whatever number of milliseconds; an information always")
    func d10SameWarning() {
        let lines = Lines()
        let logger = lines.logger(.text, for: .host)
        for milliseconds in 0..<5 {
            logger.warning("etcd is away", metadata: ["error": "no answer after \(milliseconds) ms"])
            logger.info("still here")
        }
        logger.warning("mount failed", metadata: ["volume": "db-1"])
        logger.warning("mount failed", metadata: ["volume": "db-2"])
        let all = lines.all.withLock { $0.map(\.text) }
        #expect(all.count { $0.contains("etcd is away") } == 1)
        #expect(all.count { $0.contains("still here") } == 5)
        #expect(all.count { $0.contains("mount failed") } == 2)
    }
}

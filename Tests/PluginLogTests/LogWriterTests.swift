import Glibc
import Logging
import PluginConfiguration
import Synchronization
import Testing

@testable import PluginLog

/// A log whose reader stops.
@Suite struct LogWriterTests {
    /// Takes no line until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)
        let lines = Mutex<[(text: String, descriptor: CInt)]>([])

        func open() { isOpen.withLock { $0 = true } }

        func take(_ line: [UInt8], _ descriptor: CInt) -> Bool {
            while !isOpen.withLock({ $0 }) { usleep(1000) }
            lines.withLock { $0.append((String(decoding: line, as: UTF8.self), descriptor)) }
            return true
        }

        var texts: [String] { lines.withLock { $0.map(\.text) } }
    }

    private func logger(_ log: PluginLog) -> Logger { Logger(label: "rbd-plugin") { log.handler(label: $0) } }

    @Test("E12: logging waits for no reader that has stopped; the reader learns what it missed, and keeps the warnings")
    func e12StoppedReader() async throws {
        let gate = Gate()
        let log = try PluginLog(LogSettings(level: .debug, format: .text), for: .container, write: gate.take)
        let logger = logger(log)
        for number in 0..<10_000 { logger.debug("line \(number)") }
        for number in 0..<10 { logger.error("failure \(number)") }
        await log.flush(within: .milliseconds(1))
        #expect(log.droppedLines > 0 && gate.texts.isEmpty)

        gate.open()
        await log.flush(within: .seconds(60))
        let told = gate.texts.compactMap { text in
            text.contains("dropped lines")
                ? text.split(separator: " ").first { $0.hasPrefix("lines=") }.flatMap { Int($0.dropFirst(6)) } : nil
        }
        #expect(told.reduce(0, +) == log.droppedLines)
        #expect(gate.texts.count { $0.contains("] line ") } + log.droppedLines == 10_000)
        #expect(gate.texts.count { $0.contains("] failure ") } == 10)
        #expect(gate.texts.last { $0.contains("] line ") }?.contains("line 9999") == true)
        for line in gate.lines.withLock({ $0 }) {
            #expect(line.descriptor == (line.text.contains("failure") ? STDERR_FILENO : STDOUT_FILENO), "\(line)")
        }
    }

    @Test("E12: who reads the one stream is not held up by who does not read the other")
    func e12OneStream() async throws {
        let (output, error) = (Gate(), Gate())
        error.open()
        let log = try PluginLog(LogSettings(level: .debug, format: .json), for: .container) { line, descriptor in
            (descriptor == STDOUT_FILENO ? output : error).take(line, descriptor)
        }
        logger(log).info("stands still")
        logger(log).error("is read")
        while error.texts.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        #expect(output.texts.isEmpty && error.texts.contains { $0.contains("is read") })
        output.open()
        await log.flush(within: .seconds(60))
        #expect(output.texts.count == 1)
    }

    @Test("E12: lines for a reader that has gone are counted")
    func e12NoReader() async throws {
        let log = try PluginLog(LogSettings(level: .debug, format: .text), for: .host) { _, _ in false }
        for number in 0..<5 { logger(log).info("line \(number)") }
        await log.flush(within: .seconds(60))
        #expect(log.droppedLines == 5)
    }
}

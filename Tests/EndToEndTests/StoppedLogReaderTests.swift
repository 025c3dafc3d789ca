import Glibc
import Rig
import Synchronization
import SystemPackage
import Testing

/// Whoever reads the log stops, as the Docker daemon does while it is restarted with live-restore.
@Suite("A log that nobody reads")
struct StoppedLogReaderTests {
    /// One output of a plugin leads into this pipe.
    private final class LogPipe: Sendable {
        let path: String
        private let descriptor: FileDescriptor
        private let text = Mutex("")

        init(in stage: Stage) throws {
            path = stage.plugin.scratch.path + "/pipe"
            guard mkfifo(path, 0o600) == 0 else { throw RigFailure("cannot make \(path): \(errno)") }
            descriptor = try FileDescriptor.open(path, .readWrite, options: [.nonBlocking, .closeOnExec])
        }

        deinit { try? descriptor.close() }

        /// Leaves no room for another byte, so that the next write waits for a reader.
        func fill() throws {
            for size in [4096, 1] {
                let filling = [UInt8](repeating: UInt8(ascii: "\n"), count: size)
                while (try? filling.withUnsafeBytes { try descriptor.write($0) }) ?? 0 > 0 {}
            }
        }

        /// Whether there still is no room: nobody has read.
        var isFull: Bool { [UInt8(ascii: "\n")].withUnsafeBytes { (try? descriptor.write($0)) == nil } }

        /// Reads what is there.
        func read() -> String {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while let count = try? buffer.withUnsafeMutableBytes({ try descriptor.read(into: $0) }), count > 0 {
                text.withLock { $0 += String(decoding: buffer[..<count], as: UTF8.self) }
            }
            return text.withLock { $0 }
        }
    }

    private static let droppedLines = "rbd_plugin_log_lines_dropped_total"

    private func dropped(_ stage: Stage) async throws -> Int? {
        try await stage.client.fetch("/metrics").text.split(separator: "\n")
            .first { $0.hasPrefix(Self.droppedLines + " ") }.flatMap { Int($0.dropFirst(Self.droppedLines.count + 1)) }
    }

    /// The plugin as Docker starts one, process 1 of a namespace, with its standard output in the pipe. Its standard error,
    /// where warnings go, is read.
    private func asInContainer(_ pipe: LogPipe) -> [String] {
        [
            "/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
            "exec \"$@\" >\(pipe.path)", "sh",
        ]
    }

    /// The plugin itself, below what started it so.
    private func process(_ stage: Stage) throws -> Int32 {
        let parent = try #require(stage.plugin.pid)
        let children = try text(of: "/proc/\(parent)/task/\(parent)/children").split(separator: " ")
        return try #require(children.first.flatMap { Int32($0) })
    }

    @Test("E12: with a log that nobody reads for longer than NODE_TTL, the node lives, and calls are answered")
    func e12NodeLives() async throws {
        let settings = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s", "LOG_LEVEL": "debug"]
        try await Stage.with(settings: settings, started: false) { stage in
            let pipe = try LogPipe(in: stage)
            try await stage.plugin.start(by: asInContainer(pipe))
            let key = "\(stage.prefix)nodes/\(stage.plugin.settings.node)"
            try await eventually("the heartbeat to begin") { try await stage.etcd.value(of: key) != nil }
            try pipe.fill()
            let name = try await stage.volume("unread")
            try await stage.client.mount(name, id: "a").checked()
            // Longer than the lease of a heartbeat that has ended: what is in etcd after that was renewed.
            try await Task.sleep(for: .seconds(11))
            try await eventually("the heartbeat to go on") { try await stage.etcd.value(of: key) != nil }
            try await eventually("lines to be dropped and counted", within: .seconds(120)) {
                for _ in 0..<200 { try await stage.client.get(name).checked() }
                return try await dropped(stage) ?? 0 > 0
            }
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()

            try await eventually("the log to say how much it lacks") { pipe.read().contains("dropped lines") }
            let later = uniqueName("later")
            try await eventually("the log to go on") {
                _ = try await stage.client.get(later)
                return pipe.read().contains(later)
            }
            kill(try process(stage), SIGTERM)
            #expect(try await stage.plugin.waitForEnd() == .exited(0))
            #expect(pipe.read().contains("stopped"), "what is said before the end is written")
        }
    }

    @Test("E12: a plugin ends in good order although nobody reads its log")
    func e12Ends() async throws {
        try await Stage.with(settings: ["LOG_LEVEL": "debug"], started: false) { stage in
            let pipe = try LogPipe(in: stage)
            try await stage.plugin.start(by: asInContainer(pipe))
            try pipe.fill()
            kill(try process(stage), SIGTERM)
            #expect(try await stage.plugin.waitForEnd() == .exited(0))
            #expect(pipe.isFull)
        }
    }

    @Test("E12: a wrong setting ends the start although nobody reads why")
    func e12FailedStart() async throws {
        try await Stage.with(settings: ["RBD_DEFAULT_SIZE": "enormous"], started: false) { stage in
            let pipe = try LogPipe(in: stage)
            try pipe.fill()
            try await stage.plugin.start(
                awaitingSocket: false, by: ["/bin/sh", "-c", "exec \"$@\" 2>\(pipe.path)", "sh"])
            #expect(try await stage.plugin.waitForEnd() == .exited(78))
            #expect(pipe.isFull)
        }
    }
}

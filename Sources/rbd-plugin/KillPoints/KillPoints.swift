#if FAULT_INJECTION
    import Glibc
    import Synchronization

    /// Kills or freezes the plugin right after a named effect, as `kill -9` or `kill -STOP` would. So tests meet every
    /// moment at which that may happen. Debug builds only: a release build has none of this.
    ///
    /// The setting `RBD_PLUGIN_KILL_POINTS` names a folder. Whatever the plugin has done to the world is one line in its
    /// file `passed`: on whose behalf, and what. The file `strike` may name, on three lines, such a line, a count and a
    /// signal: the process sends itself the signal once the line stands in `passed` for the so-many-th time.
    final class KillPoints: Sendable {
        static let setting = "RBD_PLUGIN_KILL_POINTS"

        /// On whose behalf the current task works: one of Docker's calls, or the plugin's own.
        @TaskLocal static var caller = "background"

        private let folder: String
        /// Several effects at a time must not mix their lines.
        private let turn = Mutex(())

        /// `nil` when none are asked for.
        static let current: KillPoints? = getenv(setting).map { KillPoints(folder: String(cString: $0)) }

        private init(folder: String) { self.folder = folder }

        /// Runs `body`; when it has succeeded, its effect has happened.
        func after<Value>(_ effect: String, _ body: () async throws -> Value) async rethrows -> Value {
            let value = try await body()
            passed(effect)
            return value
        }

        func passed(_ effect: String) {
            turn.withLock { _ in
                let line = "\(Self.caller): \(effect)"
                append(line)
                guard let strike = strike(), strike.line == line else { return }
                if lines(of: "passed").count(where: { $0 == line }) == strike.count { kill(getpid(), strike.signal) }
            }
        }

        private func append(_ line: String) {
            let descriptor = open("\(folder)/passed", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return }
            Output.write([UInt8]("\(line)\n".utf8), to: descriptor)
            close(descriptor)
        }

        private func strike() -> (line: String, count: Int, signal: CInt)? {
            let lines = lines(of: "strike")
            guard lines.count == 3, let count = Int(lines[1]), let signal = CInt(lines[2]) else { return nil }
            return (String(lines[0]), count, signal)
        }

        private func lines(of file: String) -> [Substring] {
            guard let stream = fopen("\(folder)/\(file)", "re") else { return [] }
            defer { fclose(stream) }
            var bytes: [UInt8] = []
            while case let byte = fgetc(stream), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        }
    }
#endif

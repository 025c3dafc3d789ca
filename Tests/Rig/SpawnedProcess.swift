import FoundationEssentials
import Glibc
import Synchronization
import SystemPackage

/// A process that a test started and that lives until the test ends it.
///
/// It leads a session of its own, has no input, writes everything to a file, and inherits no other descriptor. It must
/// be waited for (``waitForEnd(within:)``), or it stays a zombie until the tests end.
public final class SpawnedProcess: Sendable {
    /// How a process ended.
    public enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    public let pid: Int32
    private let ending = Mutex<Ending?>(nil)

    /// - Parameters:
    ///   - executable: a path; PATH is not searched.
    ///   - environment: all of it; nothing is inherited.
    ///   - log: the file that gets what it prints, appended.
    /// - Throws: ``RigFailure`` when posix_spawn(3) fails.
    public init(_ executable: String, _ arguments: [String], environment: [String: String], log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        for descriptor in try Self.openDescriptors() where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Self.setsid | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var arguments: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        var pid = pid_t()
        let failure = posix_spawn(&pid, executable, &actions, &attributes, &arguments, &variables)
        guard failure == 0 else {
            throw RigFailure("cannot start \(executable): \(Errno(rawValue: failure))")
        }
        self.pid = pid
    }

    /// How it ended; nil while it lives, running or stopped.
    public func poll() -> Ending? {
        ending.withLock { ending in
            if ending == nil { ending = reap() }
            return ending
        }
    }

    /// kill(2); nothing happens when it has already ended. Its pid is still its own then, for only ``poll()`` reaps it.
    public func signal(_ number: Int32) {
        ending.withLock { ending in
            if ending == nil { _ = Glibc.kill(pid, number) }
        }
    }

    /// SIGSTOP, and waits until every thread has stopped: the signal is sent at once, but each obeys in its own time.
    public func pause() async throws {
        signal(SIGSTOP)
        try await eventually("process \(pid) to stop running") { poll() != nil || isStopped() }
    }

    private func isStopped() -> Bool {
        let tasks = "/proc/\(pid)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        return threads.allSatisfy { thread in
            guard let stat = kernelFile("\(tasks)/\(thread)/stat") else { return true }
            // The name stands in brackets and may hold anything; the state is the next field.
            return String(decoding: stat, as: UTF8.self).split(separator: ")").last?.hasPrefix(" T") == true
        }
    }

    /// - Throws: ``RigFailure`` when it still lives after that time.
    @discardableResult
    public func waitForEnd(within limit: Duration = .seconds(30)) async throws -> Ending {
        let deadline = ContinuousClock.now + limit
        while true {
            if let ending = poll() { return ending }
            guard ContinuousClock.now < deadline else {
                throw RigFailure("process \(pid) did not end within \(limit)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// POSIX_SPAWN_SETSID of <spawn.h>, which shows it to C with _GNU_SOURCE only.
    private static let setsid: Int32 = 0x80

    /// Not everybody opens with O_CLOEXEC, and a test runner's pipe held by a daemon would never end. Closing one that
    /// is gone by then does no harm: posix_spawn ignores it.
    private static func openDescriptors() throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
    }

    private func reap() -> Ending? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
    }
}

import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// etcd did not come up. Carries the end of its log.
public struct EtcdStartError: Error, CustomStringConvertible {
    public var problem: String
    public var log: String

    public var description: String { "etcd \(problem); run `make test`, which installs it. Its log ends with:\n\(log)" }
}

/// One run of etcd, from its start to its end.
final class EtcdProcess: Sendable {
    private let pid: pid_t
    private let exit: Task<Void, Never>
    private let logPath: String
    /// Where this run's part of the log begins.
    private let logOffset: Int

    private init(pid: pid_t, exit: Task<Void, Never>, logPath: String, logOffset: Int) {
        self.pid = pid
        self.exit = exit
        self.logPath = logPath
        self.logOffset = logOffset
    }

    static func start(arguments: [String], logPath: String) async throws -> EtcdProcess {
        let logOffset = FileManager.default.contents(atPath: logPath)?.count ?? 0
        let (pids, pid) = AsyncThrowingStream<pid_t, any Error>.makeStream()
        let exit = Task {
            do {
                let log = try FileDescriptor.open(
                    FilePath(logPath), .writeOnly, options: [.append, .create], permissions: .ownerReadWrite)
                // The body returns at once; `run` itself returns when etcd has ended.
                _ = try await run(
                    .name("etcd"), arguments: Arguments(arguments), input: .none,
                    output: .fileDescriptor(log, closeAfterSpawningProcess: true), error: .combinedWithOutput
                ) { execution in
                    pid.yield(execution.processIdentifier.value)
                }
            } catch {
                pid.finish(throwing: EtcdStartError(problem: "could not be started: \(error)", log: ""))
            }
        }
        for try await pid in pids {
            return EtcdProcess(pid: pid, exit: exit, logPath: logPath, logOffset: logOffset)
        }
        throw EtcdStartError(problem: "could not be started", log: "")
    }

    func signal(_ signal: Int32) {
        kill(pid, signal)
    }

    func waitUntilItEnds() async {
        await exit.value
    }

    func waitUntilItServes() async throws {
        for _ in 0..<600 {
            let log = recentLog
            if log.contains("ready to serve client requests") { return }
            if kill(pid, 0) != 0 { throw EtcdStartError(problem: "has ended", log: log) }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw EtcdStartError(problem: "did not serve within 30 s", log: recentLog)
    }

    private var recentLog: String {
        let log = FileManager.default.contents(atPath: logPath) ?? Data()
        return String(decoding: log.dropFirst(logOffset).suffix(4000), as: UTF8.self)
    }

    static func etcdctl(_ arguments: [String]) async throws -> String {
        // Either the option or the variable: etcdctl refuses to be told twice.
        let settings: [Environment.Key: String?] = ["ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": nil]
        let result = try await run(
            .name("etcdctl"), arguments: Arguments(arguments), environment: .inherit.updating(settings),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw EtcdctlError(text: result.standardError)
        }
        return result.standardOutput
    }
}

/// etcdctl failed; carries what it said.
public struct EtcdctlError: Error {
    public var text: String
}

import Glibc
import Subprocess
import SystemPackage

/// How a program is started, and its way to its end.
struct Spawn: Sendable {
    let executable: String
    /// What the program finds as `PATH`.
    let path: String
    var arguments: [String] = []
    var environment: [String: String] = [:]
    var folder = "/"
    var outputLimit = 1 << 20
    var log: ChildLog?

    /// What is kept of a child's standard error.
    private static let errorLimit = 16 << 10

    /// Spawns the child and waits until it has ended and is reaped.
    /// - Parameter input: its standard input; closed here when the child has it.
    func run(input: FileDescriptor, handle: ChildHandle) async throws -> CommandResult {
        if let log { return try await run(input: input, log: log, handle: handle) }
        let ended = try await AdoptedChildren.excepting { isOurs in
            try await Subprocess.run(
                configuration, input: .fileDescriptor(input, closeAfterSpawningProcess: true), output: .sequence,
                error: .sequence
            ) { execution in
                let pid = pid_t(execution.processIdentifier.value)
                isOurs(pid)
                handle.started(pid)
                async let errors = Self.collect(execution.standardError, KeptOutput(.last, limit: Self.errorLimit))
                let output = try await Self.collect(execution.standardOutput, KeptOutput(.first, limit: outputLimit))
                let said = (output, try await errors)
                await Self.waitForExit(of: pid)
                // When this closure has returned the child may be reaped.
                handle.close()
                return said
            }
        }
        let (output, errors) = ended.closureResult
        return CommandResult(
            Self.ending(ended.terminationStatus), output: output.text, outputIsCut: output.isCut, errors: errors.text)
    }

    /// The same for a child that says everything into a file.
    private func run(input: FileDescriptor, log: ChildLog, handle: ChildHandle) async throws -> CommandResult {
        let ended = try await AdoptedChildren.excepting { isOurs in
            try await Subprocess.run(
                configuration, input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                output: .fileDescriptor(log.file, closeAfterSpawningProcess: false),
                error: .fileDescriptor(log.file, closeAfterSpawningProcess: false)
            ) { execution in
                let pid = pid_t(execution.processIdentifier.value)
                isOurs(pid)
                handle.started(pid)
                await Self.waitForExit(of: pid)
                handle.close()
            }
        }
        return CommandResult(Self.ending(ended.terminationStatus), errors: log.text())
    }

    private var configuration: Configuration {
        var options = PlatformOptions()
        // A session of its own makes it lead a process group of its own. Setting users or groups here as well would
        // make Subprocess clone instead of posix_spawn.
        options.createSession = true
        var variables: [Environment.Key: String] = ["PATH": path, "LC_ALL": "C"]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        return Configuration(
            executable: .path(FilePath(executable)), arguments: Arguments(arguments),
            environment: .custom(variables), workingDirectory: FilePath(folder), platformOptions: options)
    }

    private static func ending(_ status: TerminationStatus) -> CommandResult.Ending {
        switch status {
        case .exited(let status): .exited(status)
        case .signaled(let signal): .killed(signal: signal)
        }
    }

    private static func collect(_ stream: SubprocessOutputSequence, _ kept: KeptOutput) async throws -> KeptOutput {
        var kept = kept
        for try await buffer in stream {
            buffer.withUnsafeBytes { kept.append($0) }
        }
        return kept
    }

    /// A child may close its output long before it ends. Until it has ended it must stay possible to signal it.
    private static func waitForExit(of pid: pid_t) async {
        var pause = Duration.milliseconds(1)
        while true {
            var info = siginfo_t()
            let rc = waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT)
            // Nothing was filled in while the child runs.
            if (rc == 0 && info.si_signo != 0) || (rc != 0 && errno != EINTR) { return }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }
}

import Glibc
import Subprocess
import Synchronization
import SystemPackage
import VolumeCore

/// One run of one command: the child itself, and what its caller waits for.
final class ChildCall: Sendable {
    let command: Command
    let what: String
    let handle: ChildHandle
    let outcome = OneShot<CommandResult>()
    let isStuck = Atomic<Bool>(false)

    /// What is kept of a child's standard error.
    private static let errorLimit = 16 << 10
    /// What a pipe holds without a reader.
    private static let inputLimit = 4 << 10

    init(command: Command, what: String, handle: ChildHandle) {
        self.command = command
        self.what = what
        self.handle = handle
    }

    /// Spawns the child and waits until it has ended and is reaped.
    func execute(_ executable: String, path: String) async -> Result<CommandResult, any Error> {
        do {
            return .success(try await spawn(executable, path: path))
        } catch let error as VolumeError {
            return .failure(error)
        } catch {
            return .failure(
                VolumeError(.unavailable, what, why: "\(command.tool.name) could not be run: \(Self.words(error))"))
        }
    }

    /// What the caller is told: however a child ended after it was signalled, what it did is not known.
    func verdict(on result: Result<CommandResult, any Error>) -> Result<CommandResult, any Error> {
        guard case .success = result, let reason = handle.endedBy else { return result }
        return .failure(forcedEnd(reason, hasEnded: true))
    }

    /// The error of a child that was ended by force.
    func forcedEnd(_ reason: ChildEnd, hasEnded: Bool) -> VolumeError {
        let cause =
            switch reason {
            case .deadline(let limit): "\(command.tool.name) did not end within \(limit)"
            case .cancelled: "the call was given up while \(command.tool.name) was running"
            }
        let state =
            hasEnded
            ? "it was ended" : "it cannot be ended either, since it waits in the kernel, most often for a disk or Ceph"
        return VolumeError(
            .timedOut, what, why: "\(cause); \(state)", remedy: "look whether Ceph answers, then try again",
            outcome: .unknown)
    }

    private static func words(_ error: any Error) -> String {
        if let error = error as? SubprocessError { return error.underlyingError?.description ?? error.description }
        return "\(error)"
    }

    private func spawn(_ executable: String, path: String) async throws -> CommandResult {
        var options = PlatformOptions()
        // A session of its own makes it lead a process group of its own. Setting users or groups here as well would
        // make Subprocess clone instead of posix_spawn.
        options.createSession = true
        var environment: [Environment.Key: String] = ["PATH": path, "LC_ALL": "C"]
        for (name, value) in command.environment { environment[Environment.Key(stringLiteral: name)] = value }
        let configuration = Configuration(
            executable: .path(FilePath(executable)), arguments: Arguments(command.arguments),
            environment: .custom(environment), workingDirectory: FilePath(command.folder), platformOptions: options)
        let ended = try await Subprocess.run(
            configuration,
            input: .fileDescriptor(try standardInput(), closeAfterSpawningProcess: true), output: .sequence,
            error: .sequence
        ) { execution in
            let pid = pid_t(execution.processIdentifier.value)
            self.handle.started(pid)
            let limit = self.command.outputLimit
            async let errors = Self.collect(execution.standardError, KeptOutput(.last, limit: Self.errorLimit))
            let output = try await Self.collect(execution.standardOutput, KeptOutput(.first, limit: limit))
            let said = (output, try await errors)
            await Self.waitForExit(of: pid)
            // When this closure has returned the child may be reaped.
            self.handle.close()
            return said
        }
        let (output, errors) = ended.closureResult
        let ending: CommandResult.Ending =
            switch ended.terminationStatus {
            case .exited(let status): .exited(status)
            case .signaled(let signal): .killed(signal: signal)
            }
        return CommandResult(ending, output: output.text, outputIsCut: output.isCut, errors: errors.text)
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

    /// `/dev/null`, or a pipe that already holds all of the input: nobody has to feed it while the child runs, and a
    /// child that does not read it raises no SIGPIPE here.
    private func standardInput() throws -> FileDescriptor {
        guard !command.input.isEmpty else { return try FileDescriptor.open("/dev/null", .readOnly) }
        guard command.input.count <= Self.inputLimit else {
            throw VolumeError(.internalFault, what, why: "the input of \(command.tool.name) is too long")
        }
        let pipe = try FileDescriptor.pipe()
        defer { try? pipe.writeEnd.close() }
        do {
            try pipe.writeEnd.writeAll(command.input)
        } catch {
            try? pipe.readEnd.close()
            throw error
        }
        return pipe.readEnd
    }
}

import Blocking
import KernelRequest
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

    /// What a pipe holds without a reader.
    private static let inputLimit = 4 << 10

    init(command: Command, what: String, handle: ChildHandle) {
        self.command = command
        self.what = what
        self.handle = handle
    }

    /// Spawns the child and waits until it has ended and is reaped.
    /// - Parameter programs: the program; before it another one that becomes it, with that one's own arguments.
    func execute(_ programs: [String], path: String) async -> Result<CommandResult, any Error> {
        await told {
            let spawn = Spawn(
                executable: programs.first ?? "", path: path, arguments: programs.dropFirst() + command.arguments,
                environment: command.environment, folder: command.folder, outputLimit: command.outputLimit,
                log: command.log)
            return try await spawn.run(input: try standardInput(), handle: handle)
        }
    }

    /// Has a child do it that waits for something to do, and waits until that has ended and is reaped.
    func execute(by child: WaitingChild) async -> Result<CommandResult, any Error> {
        await told {
            guard let request = KernelRequest(words: command.arguments, secret: command.input).encoded else {
                throw VolumeError(
                    .unsupported, what,
                    why: "the request to \(command.tool.name) is too long, or has names that it cannot take",
                    remedy: "use shorter options", outcome: .refused)
            }
            return try await child.fulfil(request)
        }
    }

    private func told(_ run: () async throws -> CommandResult) async -> Result<CommandResult, any Error> {
        do {
            return .success(try await run())
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
            case .deadline(let limit): "\(command.tool.name) did not end within \(limit.inWords)"
            case .cancelled: "the call was cancelled while \(command.tool.name) was running"
            }
        let state =
            hasEnded
            ? "it was killed" : "it cannot be killed either: it waits in the kernel, most often for a disk or for Ceph"
        return VolumeError.stuck(what, "\(cause); \(state)")
    }

    private static func words(_ error: any Error) -> String {
        if let error = error as? SubprocessError { return error.underlyingError?.description ?? error.description }
        return "\(error)"
    }

    /// `/dev/null`, or a pipe that already holds all of the input: nobody has to feed it while the child runs, and a
    /// child that does not read it raises no SIGPIPE here.
    private func standardInput() throws -> FileDescriptor {
        if let file = command.inputFile { return try FileDescriptor.open(file, .readWrite, options: .closeOnExec) }
        guard !command.input.isEmpty else { return try FileDescriptor.open("/dev/null", .readOnly) }
        guard command.input.count <= Self.inputLimit else {
            throw VolumeError.defect(what, "the input of \(command.tool.name) is too long")
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

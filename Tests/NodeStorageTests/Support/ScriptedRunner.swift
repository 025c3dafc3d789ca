import NodeStorage
import Synchronization

/// A command runner that runs nothing: it notes each command, and answers from a script.
final class ScriptedRunner: CommandRunner {
    typealias Answer = @Sendable (Command) throws -> CommandResult

    private let answer: Answer
    private let commands = Mutex<[Command]>([])

    /// - Parameter answer: what each command is answered; by default that it succeeded and said nothing.
    init(_ answer: @escaping Answer = { _ in CommandResult(.exited(0)) }) {
        self.answer = answer
    }

    /// Each command as one would type it.
    var lines: [String] {
        commands.withLock { $0.map { ([$0.tool.name] + $0.arguments).joined(separator: " ") } }
    }

    var seen: [Command] { commands.withLock { $0 } }

    func run(
        _ command: Command, to what: String, onLate: (@Sendable (CommandResult) async -> Void)?
    ) async throws -> CommandResult {
        commands.withLock { $0.append(command) }
        return try answer(command)
    }

    func hold(_ command: Command, to what: String, within limit: Duration) async throws -> any HeldCommand {
        Held(result: try await run(command, to: what, onLate: nil))
    }

    private struct Held: HeldCommand {
        let result: CommandResult

        func release(within limit: Duration) async throws -> CommandResult { result }
    }
}

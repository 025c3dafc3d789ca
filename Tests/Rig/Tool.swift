import Subprocess
import SystemPackage

/// One run of a command-line tool.
public struct ToolResult: Sendable {
    /// The command as one would type it.
    public let command: String
    /// The exit status; 128 + the signal's number when a signal ended it, as a shell has it.
    public let status: Int32
    public let output: String
    public let error: String

    public var succeeded: Bool { status == 0 }

    /// - Throws: ``RigFailure`` with what the tool said when it did not succeed.
    @discardableResult
    public func checked() throws -> ToolResult {
        guard succeeded else {
            throw RigFailure("`\(command)` ended with status \(status): \(error.isEmpty ? output : error)")
        }
        return self
    }
}

/// Runs a tool to its end and collects what it printed.
///
/// - Parameters:
///   - name: looked up in PATH unless it is a path.
///   - settings: environment variables set beside the inherited ones; nil removes one.
///   - limit: after which the tool is killed.
/// - Throws: ``RigFailure`` when it cannot be started or does not end in time. A status other than 0 is no error here.
public func runTool(
    _ name: String,
    _ arguments: [String],
    settings: [String: String?] = [:],
    within limit: Duration = .seconds(60)
) async throws -> ToolResult {
    let command = ([name] + arguments).joined(separator: " ")
    return try await withThrowingTaskGroup(of: ToolResult?.self) { race in
        race.addTask { try await collect(command, name, arguments, settings) }
        race.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { race.cancelAll() }
        guard let first = try await race.next(), let result = first else {
            throw RigFailure("`\(command)` did not end within \(limit) and was killed")
        }
        return result
    }
}

private func collect(
    _ command: String, _ name: String, _ arguments: [String], _ settings: [String: String?]
) async throws -> ToolResult {
    var changes: [Environment.Key: String?] = [:]
    for (name, value) in settings {
        changes[Environment.Key(stringLiteral: name)] = .some(value)
    }
    let sixteenMegabytes = 16 << 20
    let result = try await run(
        name.contains("/") ? .path(.init(name)) : .name(name),
        arguments: Arguments(arguments),
        environment: .inherit.updating(changes),
        output: .string(limit: sixteenMegabytes),
        error: .string(limit: sixteenMegabytes)
    )
    return ToolResult(
        command: command,
        status: shellStatus(result.terminationStatus),
        output: result.standardOutput,
        error: result.standardError
    )
}

private func shellStatus(_ status: TerminationStatus) -> Int32 {
    switch status {
    case .exited(let code): code
    case .signaled(let signal): 128 + signal
    }
}

import VolumeCore

/// Runs programs of the system as child processes.
public protocol CommandRunner: Sendable {
    /// Runs the command to its end. A child that fails is a result, not an error.
    /// - Parameters:
    ///   - what: what it is run for, as errors name it: `mount /dev/rbd0`.
    ///   - onLate: is told how the child ended when that comes after the caller was told that it did not end: the place
    ///     to undo what came of it.
    /// - Throws: `VolumeError`: `unsupported` when the tool is not installed; `timedOut`, with outcome `unknown`, when
    ///   it did not end in time or the task was cancelled; `unavailable` when it could not be started.
    func run(
        _ command: Command, to what: String, onLate: (@Sendable (CommandResult) async -> Void)?
    ) async throws -> CommandResult

    /// Has a companion do the first half of a request.
    /// - Returns: what does the second half.
    /// - Throws: `BrokenOff`; `VolumeError`: `timedOut`, with outcome `unknown`, when the first half was not done within `limit`: it is undone
    ///   when it is; otherwise as `run`.
    func hold(_ command: Command, to what: String, within limit: Duration) async throws -> any HeldCommand
}

extension CommandRunner {
    /// Runs the command to its end. A child that fails is a result, not an error.
    public func run(_ command: Command, to what: String) async throws -> CommandResult {
        try await run(command, to: what, onLate: nil)
    }

    /// Runs the command and takes anything but exit status 0 as a failure.
    @discardableResult
    public func succeed(
        _ command: Command, to what: String, code: VolumeError.Code = .unavailable, remedy: String = ""
    ) async throws -> CommandResult {
        let result = try await run(command, to: what)
        guard result.succeeded else {
            throw VolumeError(code, what, why: result.reason(of: command.tool), remedy: remedy)
        }
        return result
    }
}

extension CommandResult {
    /// The tool's name, how it ended and what it said, in one line: `mkfs.xfs ended with status 1: no space left`.
    public func reason(of tool: Tool) -> String {
        let end =
            switch ending {
            case .exited(let status): "\(tool.name) ended with status \(status)"
            case .killed(let signal): "\(tool.name) was ended by signal \(signal)"
            }
        // Some tools say what is wrong on their standard output.
        let words = Self.oneLine(errors.isEmpty ? KeysInText.removed(from: output) : errors)
        return words.isEmpty ? end : "\(end): \(words)"
    }

    /// The text without line breaks and control characters; its end when it is long.
    static func oneLine(_ text: String, limit: Int = 600) -> String {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
        }
        let words = lines.map(Self.trimmed).filter { !$0.isEmpty }.joined(separator: "; ")
        return words.count > limit ? "…" + words.suffix(limit) : words
    }

    private static func trimmed(_ line: String) -> String {
        var line = Substring(line)
        while line.first?.isWhitespace == true { line.removeFirst() }
        while line.last?.isWhitespace == true { line.removeLast() }
        return String(line)
    }
}

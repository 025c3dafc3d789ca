import Rig

/// What a person says to a question, or does not.
enum Answer: String, CaseIterable, Sendable {
    case yes = #"echo y | "$@""#
    case no = #"echo n | "$@""#
    case somethingElse = #"echo yesterday | "$@""#
    case nothing = #""$@" < /dev/null"#
    case hungUp = #""$@" <&-"#

    static let noes = allCases.filter { $0 != .yes }
}

extension Stage {
    /// Runs the program as an operator does on the plugin's host: with its settings, but no plugin needs to run.
    func operate(_ arguments: String...) async throws -> ToolResult { try await operate(arguments) }

    func operate(
        _ arguments: [String], answering answer: Answer = .nothing, settings: [String: String] = [:]
    ) async throws -> ToolResult {
        let own = plugin.settings.variables(for: environment, stateFolder: plugin.stateFolder)
        return try await runTool(
            "sh", ["-c", answer.rawValue, "sh", try PluginProcess.executable()] + arguments,
            settings: own.merging(settings) { $1 }.mapValues { $0 }, within: .seconds(120))
    }
    /// The same, with a file at standard input.
    func operate(
        _ arguments: [String], reading file: String, settings: [String: String] = [:]
    ) async throws -> ToolResult {
        let own = plugin.settings.variables(for: environment, stateFolder: plugin.stateFolder)
        return try await runTool(
            "sh", ["-c", #"file=$1; shift; "$@" < "$file""#, "sh", file, try PluginProcess.executable()] + arguments,
            settings: own.merging(settings) { $1 }.mapValues { $0 }, within: .seconds(120))
    }
}

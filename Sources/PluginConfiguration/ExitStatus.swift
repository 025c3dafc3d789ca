/// What the program ends with, for scripts. docs/reference.md shows the same table.
public enum ExitStatus: Int32, Sendable, CaseIterable {
    case done = 0
    case failed = 1
    case unseen = 2
    /// EX_USAGE, which the parser of the command line uses as well.
    case usage = 64
    /// EX_CONFIG.
    case settings = 78
    /// 128 and the number of SIGINT, as shells have it.
    case interrupted = 130

    public var meaning: String {
        switch self {
        case .done: "Done. Of `doctor` and `status`: nothing is wrong."
        case .failed:
            "It failed, and standard error says why; or the answer to its question was not yes. Of `doctor` and `status`: something is wrong. Of `policy diff`: something would change."
        case .unseen:
            "Of `doctor` alone: nothing was found, but something could not be looked at; or the bundle could not be written."
        case .usage: "The command line is wrong. Nothing was done."
        case .settings: "The settings are wrong, or cannot be read. Nothing was done."
        case .interrupted: "Ctrl-C ended it. `backup` has taken back what it had begun."
        }
    }

    public static var markdownTable: String {
        let rows = allCases.map { "| \($0.rawValue) | \($0.meaning) |" }
        return (["| Status | Means |", "|---|---|"] + rows).joined(separator: "\n")
    }
}

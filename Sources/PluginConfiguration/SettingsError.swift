/// Settings with which the plugin must not start: all that is wrong with them, not only the first thing found.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One thing that is wrong.
    public struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// The environment variable at fault, or the file.
        public let name: String
        /// One sentence that names the setting, its value unless secret, and what is accepted.
        public let description: String
    }

    /// At least one, in the order in which they were found.
    public let problems: [Problem]

    /// One line a problem.
    public var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

/// Why a value cannot be taken: a clause that completes "NAME is "VALUE": …".
struct Refusal: Error {
    let clause: String

    init(_ clause: String) {
        self.clause = clause
    }
}

/// What the settings of the environment came to.
public struct SettingsSeen: Sendable, Hashable {
    /// A setting or file that the plugin would refuse to start with.
    public struct Problem: Sendable, Hashable {
        /// The environment variable, or the file.
        public var name: String
        /// One sentence, with nothing secret in it.
        public var sentence: String
        /// Whether it is about a file that the setting names, and not about the setting's own value.
        public var isFile: Bool

        public init(name: String, sentence: String, isFile: Bool) {
            self.name = name
            self.sentence = sentence
            self.isFile = isFile
        }
    }

    /// The host's file that cannot be read, and why.
    public struct MissingFile: Sendable, Hashable {
        public var path: String
        public var reason: String

        public init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }
    }

    /// How many settings have a value.
    public var given: Int
    /// All that is wrong, not only the first.
    public var problems: [Problem]
    /// Sentences about what is probably a mistake.
    public var warnings: [String]
    /// The names of settings that hold a secret themselves. Each has a twin with `_FILE` at its end.
    public var secrets: [String]
    /// The host's ceph.conf; `nil` when it can be read, or none is needed.
    public var missingCephConf: MissingFile?

    public init(
        given: Int, problems: [Problem] = [], warnings: [String] = [], secrets: [String] = [],
        missingCephConf: MissingFile? = nil
    ) {
        self.given = given
        self.problems = problems
        self.warnings = warnings
        self.secrets = secrets
        self.missingCephConf = missingCephConf
    }
}

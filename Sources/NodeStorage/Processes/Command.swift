import KernelRequest

/// A program to run: always an argument array, never a shell line.
public struct Command: Sendable, Hashable {
    public var tool: Tool
    public var arguments: [String]
    /// What the child's environment has besides `PATH` and `LC_ALL`. No secrets: every user of the node can read it.
    public var environment: [String: String]
    /// What the child reads from its standard input; the place for a secret.
    public var input: [UInt8]
    /// A file that is its standard input instead, opened for reading and writing.
    var inputFile: String?
    /// How long it may take. The current `Deadline` cuts it down.
    public var timeout: Duration
    /// How many bytes of its standard output are kept. The rest is read and thrown away.
    public var outputLimit: Int
    /// The child's working directory.
    public var folder: String
    /// Whether it is kept from seeing what is mounted from loop devices: mounts that hold its paths it sees all the same.
    var isApart = false
    /// The capabilities that it keeps at most; `nil` for all that this process has.
    var capabilities: Set<Capability>?
    /// Where both of its outputs go, for one that may outlive this process. The result has their end as its errors.
    var log: ChildLog?

    public init(
        _ tool: Tool, _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = [],
        timeout: Duration = .seconds(20), outputLimit: Int = 1 << 20, folder: String = "/"
    ) {
        self.tool = tool
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.timeout = timeout
        self.outputLimit = outputLimit
        self.folder = folder
    }

    /// The same command, with no capabilities but these. Root still owns the files that are root's.
    func keeping(_ capabilities: Set<Capability>) -> Command {
        var command = self
        command.capabilities = capabilities
        return command
    }

    /// What `rbd-plugin-kernel` is told so that it becomes a program that gets less than this process has; empty for one that
    /// gets all.
    var confinement: [String] {
        Confinement(isApart: isApart, capabilities: capabilities.map(Capability.mask)).words
    }
}

/// How a child ended, and what it said.
public struct CommandResult: Sendable, Hashable {
    public enum Ending: Sendable, Hashable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    public var ending: Ending
    /// The beginning of its standard output.
    public var output: String
    /// Whether there was more output than was kept.
    public var outputIsCut: Bool
    /// The end of its standard error, without keys: it goes into errors that people read.
    public var errors: String

    public init(_ ending: Ending, output: String = "", outputIsCut: Bool = false, errors: String = "") {
        self.ending = ending
        self.output = output
        self.outputIsCut = outputIsCut
        self.errors = KeysInText.removed(from: errors)
    }

    public var succeeded: Bool { ending == .exited(0) }

    /// The exit status; `nil` when a signal ended it.
    public var exitStatus: Int32? {
        if case .exited(let status) = ending { status } else { nil }
    }
}

import VolumeCore

/// The mkfs call for a volume's filesystem.
struct MkfsCommand: Sendable {
    let tool: Tool
    /// Without the file, which comes last. The user's own words come after ours, and so win where both name the same thing.
    var options: [String]
    /// What it needs for a device; for a file none.
    let capabilities: Set<Capability>
    /// Keeps newer releases of the tool from features that they have on by themselves, and that not every node can mount.
    var restraint: Restraint?

    /// Options that the tool's releases know from a version on; older ones refuse them.
    struct Restraint: Sendable {
        let since: ToolVersion
        let options: [String]
    }
}

extension MkfsCommand {
    init(_ filesystem: FilesystemType, size: VolumeSize, words: [String]) {
        self = filesystem.commands.mkfs(size, words)
    }

    /// The same call as the installed release of the tool is to be given it.
    ///
    /// The tool is asked for its version each time, for it may be upgraded meanwhile. A tool that does not tell is left alone.
    func restrained(by runner: any CommandRunner, to what: String) async throws -> MkfsCommand {
        guard let restraint else { return self }
        let said = try await runner.run(Command(tool, ["-V"]).keeping([]), to: what)
        guard let version = ToolVersion(saidBy: said.output), version >= restraint.since else { return self }
        var command = self
        command.options = restraint.options + options
        return command
    }
}

/// The first two numbers of a tool's version.
struct ToolVersion: Sendable, Equatable, Comparable {
    let major: Int
    let minor: Int

    init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }

    /// - Parameter line: the last word is the version, as in `mkfs.xfs version 6.10.1`.
    init?(saidBy line: String) {
        let word = line.split(whereSeparator: \.isWhitespace).last ?? ""
        let numbers = word.split(separator: ".").prefix(2).map { Int($0) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.init(major, minor)
    }

    static func < (one: ToolVersion, other: ToolVersion) -> Bool {
        (one.major, one.minor) < (other.major, other.minor)
    }
}

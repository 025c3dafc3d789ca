import VolumeCore

/// The mkfs call for a volume's filesystem.
struct MkfsCommand: Sendable {
    let tool: Tool
    /// Without the file, which comes last. The user's own words come after ours, and so win where both name the same thing.
    let options: [String]
    /// What it needs for a device; for a file none.
    let capabilities: Set<Capability>
}

extension MkfsCommand {
    init(_ filesystem: FilesystemType, size: VolumeSize, words: [String]) {
        self = filesystem.commands.mkfs(size, words)
    }
}

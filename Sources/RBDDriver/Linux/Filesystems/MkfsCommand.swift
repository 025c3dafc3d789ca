import VolumeCore

/// The mkfs call for a volume's filesystem.
struct MkfsCommand: Sendable {
    let tool: Tool
    /// Without the file, which comes last.
    let options: [String]

    /// - Parameter words: the user's own mkfs options. They come after ours, and so win where both name the same thing.
    init(_ filesystem: FilesystemType, words: [String]) {
        switch filesystem {
        case .ext4:
            tool = .mkfsExt4
            let (extended, others) = Self.splitExtended(words)
            // mke2fs takes the last -E and forgets the others: ours and the user's have to be one.
            let all = ["nodiscard", "lazy_itable_init=1", "lazy_journal_init=1"] + extended
            options = ["-q", "-F", "-m0", "-E", all.joined(separator: ",")] + others
        case .xfs:
            tool = .mkfsXFS
            // Sectors of 512 bytes, as rbd devices have them; on a file the disk below it would decide.
            let sectors = words.contains { $0.hasPrefix("-s") } ? [] : ["-s", "size=512"]
            options = ["-q", "-K"] + sectors + words
        case .btrfs:
            tool = .mkfsBtrfs
            options = ["-q", "-K"] + words
        }
    }

    /// Takes the values of `-E a,b`, `-Ea,b` out of mke2fs words.
    private static func splitExtended(_ words: [String]) -> (extended: [String], others: [String]) {
        var extended: [String] = []
        var others: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "-E", let value = rest.popFirst() {
                extended.append(value)
            } else if word.hasPrefix("-E"), word.count > 2 {
                extended.append(String(word.dropFirst(2)))
            } else {
                others.append(word)
            }
        }
        return (extended, others)
    }
}

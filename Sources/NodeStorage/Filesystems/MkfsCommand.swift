import VolumeCore

/// The mkfs call for a volume's filesystem.
struct MkfsCommand: Sendable {
    let tool: Tool
    /// Without the file, which comes last.
    let options: [String]
    /// What it needs for a device; for a file none.
    let capabilities: Set<Capability>

    /// From here on an ext4 has its bitmaps in few places: with mke2fs's usual 16 groups a place, 64T would write into
    /// 33,000 objects instead of 1,000.
    static let largeExt4 = VolumeSize.gibibytes(4096)

    /// The log of an xfs that would get a larger one. Up to 2 GiB would be written as zeros, and after a crash a log is
    /// replayed within the call that mounts the volume: 256 MiB are seconds, and enough for 500 GB by mkfs's own rule.
    static let xfsLog = VolumeSize.mebibytes(256)

    /// - Parameters:
    ///   - size: of the volume.
    ///   - words: the user's own mkfs options. They come after ours, and so win where both name the same thing.
    init(_ filesystem: FilesystemType, size: VolumeSize, words: [String]) {
        // mkfs.xfs sets the device's block size, and mkfs.btrfs tells the kernel of a new member of a filesystem.
        capabilities = filesystem == .ext4 ? [] : [.sysAdmin]
        switch filesystem {
        case .ext4:
            tool = .mkfsExt4
            let (extended, others) = Self.splitExtended(words)
            // mke2fs takes the last -E and forgets the others: ours and the user's have to be one.
            let all = ["nodiscard", "lazy_itable_init=1", "lazy_journal_init=1"] + extended
            let isGrouped = size < Self.largeExt4 || words.contains { $0.hasPrefix("-G") || $0.contains("flex_bg") }
            let groups = isGrouped ? [] : ["-G", "1024"]
            options = ["-q", "-F", "-m0"] + groups + ["-E", all.joined(separator: ",")] + others
        case .xfs:
            tool = .mkfsXFS
            // Sectors of 512 bytes, as rbd devices have them; on a file the disk below it would decide.
            let sectors = words.contains { $0.hasPrefix("-s") } ? [] : ["-s", "size=512"]
            let isLogged = size.bytes / 2048 <= Self.xfsLog.bytes || Self.xfsLogSize(in: words) != nil
            let log = isLogged ? [] : ["-l", "size=\(Self.xfsLog.bytes)"]
            options = ["-q", "-K"] + sectors + log + words
        case .btrfs:
            tool = .mkfsBtrfs
            options = ["-q", "-K"] + words
        }
    }

    /// What the words say of the log's size: `64m` of `-l size=64m`.
    static func xfsLogSize(in words: [String]) -> String? {
        for (index, word) in words.enumerated() where word.hasPrefix("-l") {
            let value = word.count > 2 ? word.dropFirst(2) : words.dropFirst(index + 1).first.map { $0[...] } ?? ""
            let size = value.split(separator: ",").first { $0.hasPrefix("size=") }
            if let size { return String(size.dropFirst("size=".count)) }
        }
        return nil
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

import VolumeCore

/// ext4, by the tools of e2fsprogs.
extension FilesystemCommands {
    static let ext4 = FilesystemCommands(
        mkfs: Mke2fs.command, scratch: Mke2fs.scratch,
        grow: { device, _ in GrowCommand(tool: .resize2fs, arguments: [device], capability: .sysResource) },
        isTrimmedInParts: true,
        look: "e2fsck -fn", isCheckedByE2fsck: true, mayPanic: true,
        identity: .ext4)
}

/// How volumes get an ext4.
enum Mke2fs {
    /// From here on an ext4 has its bitmaps in few places: with mke2fs's usual 16 groups a place, 64T would write into
    /// 33,000 objects instead of 1,000.
    private static let large = VolumeSize.gibibytes(4096)

    @Sendable static func command(_ size: VolumeSize, _ words: [String]) -> MkfsCommand {
        let (extended, others) = splitExtended(words)
        // mke2fs takes the last -E and forgets the others: ours and the user's have to be one.
        let all = ["nodiscard", "lazy_itable_init=1", "lazy_journal_init=1"] + extended
        let isGrouped = size < large || words.contains { $0.hasPrefix("-G") || $0.contains("flex_bg") }
        let groups = isGrouped ? [] : ["-G", "1024"]
        return MkfsCommand(
            tool: .mkfsExt4, options: ["-q", "-F", "-m0"] + groups + ["-E", all.joined(separator: ",")] + others,
            capabilities: [])
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

    /// The group descriptors, 64 bytes each, with their copies in the groups 1 and 3^n, 5^n, 7^n; and a few blocks for each
    /// flexible group.
    @Sendable static func scratch(_ size: VolumeSize, _ words: [String]) -> UInt64 {
        let groups = size.bytes / (128 << 20) + 1
        let copies = [3, 5, 7].reduce(2) { $0 + powers(of: $1, below: groups) }
        return copies * (groups * 64 + 4096) + groups / 16 * (size < large ? 12 << 10 : 1 << 10)
    }

    private static func powers(of base: UInt64, below limit: UInt64) -> UInt64 {
        var (count, power): (UInt64, UInt64) = (0, base)
        while power < limit {
            count += 1
            power *= base
        }
        return count
    }
}

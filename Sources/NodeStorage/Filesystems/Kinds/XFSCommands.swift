import VolumeCore

/// xfs, by the tools of xfsprogs.
extension FilesystemCommands {
    static let xfs = FilesystemCommands(
        mkfs: MkfsXFS.command, scratch: MkfsXFS.scratch,
        grow: { _, mountpoint in
            GrowCommand(tool: .xfsGrowfs, arguments: ["-d", mountpoint], capability: .sysAdmin)
        },
        isTrimmedInParts: true,
        look: "xfs_repair -n", isCheckedByE2fsck: false, mayPanic: false,
        identity: .xfs)
}

/// How volumes get an xfs.
enum MkfsXFS {
    /// The log of an xfs that would get a larger one. Up to 2 GiB would be written as zeros, and after a crash a log is
    /// replayed within the call that mounts the volume: 256 MiB are seconds, and enough for 500 GB by mkfs's own rule.
    private static let largestLog = VolumeSize.mebibytes(256)

    @Sendable static func command(_ size: VolumeSize, _ words: [String]) -> MkfsCommand {
        // Sectors of 512 bytes, as rbd devices have them; on a file the disk below it would decide.
        let sectors = words.contains { $0.hasPrefix("-s") } ? [] : ["-s", "size=512"]
        let isLogged = size.bytes / 2048 <= largestLog.bytes || logSize(in: words) != nil
        let log = isLogged ? [] : ["-l", "size=\(largestLog.bytes)"]
        // It sets the device's block size.
        return MkfsCommand(
            tool: .mkfsXFS, options: ["-q", "-K"] + sectors + log + words, capabilities: [.sysAdmin],
            restraint: restraint(words))
    }

    /// Linux mounts an xfs with these from 6.10 on, and xfsprogs 7.2 makes each xfs with them: a node with an earlier kernel
    /// could not take such a volume. mkfs.xfs refuses an option that comes twice.
    private static func restraint(_ words: [String]) -> MkfsCommand.Restraint {
        let features = [("-i", "exchange"), ("-n", "parent")].filter { _, name in
            !words.contains { $0.contains(name) }
        }
        return .init(since: ToolVersion(6, 10), options: features.flatMap { [$0, $1 + "=0"] })
    }

    /// The log is written as zeros.
    @Sendable static func scratch(_ size: VolumeSize, _ words: [String]) -> UInt64 {
        let perTebibyte = size.bytes / (1 << 40) * (32 << 10)
        if let said = logSize(in: words) { return (VolumeSize(parsing: said)?.bytes ?? 0) + perTebibyte }
        return min(max(64 << 20, size.bytes / 2048), largestLog.bytes) + perTebibyte
    }

    /// What the words say of the log's size: `64m` of `-l size=64m`.
    private static func logSize(in words: [String]) -> String? {
        for (index, word) in words.enumerated() where word.hasPrefix("-l") {
            let value = word.count > 2 ? word.dropFirst(2) : words.dropFirst(index + 1).first.map { $0[...] } ?? ""
            let size = value.split(separator: ",").first { $0.hasPrefix("size=") }
            if let size { return String(size.dropFirst("size=".count)) }
        }
        return nil
    }
}

import VolumeCore

/// btrfs, by the tools of btrfs-progs.
extension FilesystemCommands {
    static let btrfs = FilesystemCommands(
        mkfs: { _, words in
            // It tells the kernel of a new member of a filesystem.
            MkfsCommand(tool: .mkfsBtrfs, options: ["-q", "-K"] + words, capabilities: [.sysAdmin])
        },
        scratch: { _, _ in 0 },
        grow: { _, mountpoint in
            GrowCommand(tool: .btrfs, arguments: ["filesystem", "resize", "max", mountpoint], capability: .sysAdmin)
        },
        isTrimmedInParts: false,
        look: "btrfs check", isCheckedByE2fsck: false, mayPanic: false,
        identity: .btrfs)
}

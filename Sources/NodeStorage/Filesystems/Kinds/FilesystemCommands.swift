import VolumeCore

/// What this node does about one filesystem: its tools, and what is particular about them.
struct FilesystemCommands: Sendable {
    /// For a volume of that size, with the user's own words for mkfs.
    let mkfs: @Sendable (_ size: VolumeSize, _ words: [String]) -> MkfsCommand
    /// How much that writes into a sparse file, measured and rounded up.
    let scratch: @Sendable (_ size: VolumeSize, _ words: [String]) -> UInt64
    /// Grows the filesystem on the device, which is mounted at the mountpoint, to the device's size.
    let grow: @Sendable (_ device: String, _ mountpoint: String) -> GrowCommand
    /// Whether it is trimmed in parts of its device. Otherwise its own addresses have nothing to do with the device's size.
    let isTrimmedInParts: Bool
    /// What a person runs to look for damage: it changes nothing.
    let look: String
    /// Whether e2fsck checks it before each mount. The others check themselves when they are mounted.
    let isCheckedByE2fsck: Bool
    /// Whether its superblock can tell the kernel to stop the whole host at an error.
    let mayPanic: Bool
    /// How a copy of it gets a UUID of its own.
    let identity: IdentityCommands

    struct GrowCommand: Sendable {
        let tool: Tool
        let arguments: [String]
        let capability: Capability
    }
}

extension FilesystemType {
    var commands: FilesystemCommands {
        switch self {
        case .ext4: .ext4
        case .xfs: .xfs
        case .btrfs: .btrfs
        }
    }
}

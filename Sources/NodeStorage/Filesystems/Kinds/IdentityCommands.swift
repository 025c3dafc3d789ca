import VolumeCore

/// How a filesystem that is a copy of another one comes to differ from it: the kernel refuses to mount two with one UUID, or takes
/// them for one.
struct IdentityCommands: Sendable {
    /// Where the UUID stands on the device.
    let place: Int
    /// Whether the filesystem has a log that its own driver has to replay before the tool can be used.
    let needsReplay: @Sendable (_ head: [UInt8]) -> Bool
    /// Mount options for that, without which the driver would not mount it beside the other one.
    let replayFlags: [String]
    let tool: Tool
    /// - Parameter features: what the tool itself says of the filesystem, where it is asked first.
    let arguments: @Sendable (_ device: String, _ features: String) -> [String]
    /// What the tool is asked first.
    var question: [String] = []
    let capabilities: Set<Capability>
}

extension IdentityCommands {
    /// e2fsck has replayed its journal. All its checksums depend on the UUID, unless it keeps what they are made from by itself:
    /// then they need not be written anew.
    static let ext4 = IdentityCommands(
        place: 1024 + 0x68, needsReplay: { _ in false }, replayFlags: [], tool: .tune2fs,
        arguments: { device, features in
            let isSummed = features.split(whereSeparator: \.isWhitespace).contains("metadata_csum")
            return (isSummed ? ["-O", "metadata_csum_seed"] : []) + ["-U", "random", device]
        },
        question: ["-l"], capabilities: [])

    /// A frozen xfs has something in its log as well.
    static let xfs = IdentityCommands(
        place: 32, needsReplay: { _ in true }, replayFlags: ["nouuid"], tool: .xfsDebugger,
        arguments: { device, _ in ["-x", "-c", "uuid generate", device] }, capabilities: [.sysAdmin])

    /// The other UUID, which its blocks bear, stays: so this takes no longer for a large one.
    static let btrfs = IdentityCommands(
        place: 0x10020,
        needsReplay: { head in
            // `log_root` of its superblock.
            head.count >= 0x10068 && head[0x10060..<0x10068].contains { $0 != 0 }
        },
        replayFlags: [], tool: .btrfstune, arguments: { device, _ in ["-f", "-m", device] }, capabilities: [.sysAdmin])
}

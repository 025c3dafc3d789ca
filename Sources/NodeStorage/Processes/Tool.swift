/// A program that the driver runs, and where it comes from.
public struct Tool: Sendable, Hashable {
    /// The file name that is looked up in the search path.
    public let name: String
    /// The Debian package that brings it, for the error when it is missing.
    public let package: String
    /// Whether it is built and installed together with this program, in the same folder. It gets its arguments and its
    /// input as one `KernelRequest` then.
    public let isCompanion: Bool

    public init(_ name: String, package: String, isCompanion: Bool = false) {
        self.name = name
        self.package = package
        self.isCompanion = isCompanion
    }

    public static let losetup = Tool("losetup", package: "mount")
    public static let modprobe = Tool("modprobe", package: "kmod")

    public static let mkfsExt4 = Tool("mkfs.ext4", package: "e2fsprogs")
    public static let e2fsck = Tool("e2fsck", package: "e2fsprogs")
    public static let tune2fs = Tool("tune2fs", package: "e2fsprogs")
    public static let resize2fs = Tool("resize2fs", package: "e2fsprogs")
    public static let mkfsXFS = Tool("mkfs.xfs", package: "xfsprogs")
    public static let xfsGrowfs = Tool("xfs_growfs", package: "xfsprogs")
    public static let xfsDebugger = Tool("xfs_db", package: "xfsprogs")
    public static let mkfsBtrfs = Tool("mkfs.btrfs", package: "btrfs-progs")
    public static let btrfstune = Tool("btrfstune", package: "btrfs-progs")
    public static let btrfs = Tool("btrfs", package: "btrfs-progs")

    /// Maps, unmaps, mounts and unmounts.
    public static let kernel = Tool("rbd-plugin-kernel", package: "rbd-plugin", isCompanion: true)
    public static let rbd = Tool("rbd", package: "ceph-common")
    public static let rbdNBD = Tool("rbd-nbd", package: "rbd-nbd")
    public static let qemuStorageDaemon = Tool(
        "qemu-storage-daemon", package: "qemu-utils, before Debian 13 qemu-system-common")
}

/// What the filesystem on a device needs besides being mounted.
public protocol FilesystemTools: Sendable {
    /// Checks the filesystem and repairs what is safe to repair (`e2fsck -p` for ext4, unless it would find the filesystem
    /// clean; xfs and btrfs check themselves when mounted).
    /// - Throws: `VolumeError` with code `damaged` when a person has to look; `busy` when something uses the device;
    ///   `unfinished` when it was repaired and the device has to be mapped anew before it is mounted; `checking` when the
    ///   check takes longer than the call: it goes on, and the same call, repeated, finds it further or done.
    func check(_ device: String, _ filesystem: FilesystemType) async throws

    /// Whether a check is at work on the device, of this run of the plugin or of an earlier one.
    func isChecking(_ device: String) async throws -> Bool

    /// Grows the mounted filesystem to the size of its device.
    func grow(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws

    /// How full the filesystem is. Cheap: it is asked every few seconds of each volume that grows by itself. While one such
    /// question about a device has no answer, the next one fails at once.
    /// - Throws: `VolumeError` with code `notFound` when the device is not mounted there.
    func usage(of device: String, mountpoint: String) async throws -> FilesystemUsage

    /// Gives the blocks that the mounted filesystem does not use back to Ceph (fstrim(8)). May take hours. Cancelling the task
    /// ends it: what was given back until then stays so, and nothing keeps the filesystem from being unmounted any more.
    /// - Returns: how many bytes the filesystem has reported as unused. Some of them may have been given back before.
    /// - Throws: as `usage`; `unsupported` when the filesystem or its device cannot.
    func trim(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws -> UInt64

    /// Brings the mounted filesystem into order on its device and keeps everybody from writing to it. It is thawed by `thaw`, when
    /// the plugin ends, and when `limit` has passed, whatever comes first.
    /// - Throws: as `usage`; `timedOut` when it takes too long: then it is thawed as soon as it is frozen.
    func freeze(_ device: String, mountpoint: String, atMost limit: Duration) async throws

    /// Lets the filesystem be written to again. Succeeds when it is not frozen.
    /// - Returns: whether it was frozen without a break since `freeze`.
    /// - Throws: as `usage`.
    func thaw(_ device: String, mountpoint: String) async throws -> Bool

    /// Has the mounted filesystem give blocks back as soon as it frees them, or no longer do so. Its other mount options stay
    /// as they are. Does nothing where it is so already, and with what is mounted read-only.
    /// - Throws: as `usage`; `unsupported` when the filesystem decides that when it is mounted, and not later.
    func setOnlineDiscard(
        _ isOn: Bool, of device: String, _ filesystem: FilesystemType, mountpoint: String
    ) async throws
}

/// What a mounted filesystem could hold and holds, as statvfs(3) has it.
public struct FilesystemUsage: Sendable, Hashable {
    public var totalBytes: UInt64
    public var usedBytes: UInt64
    /// For those without privileges.
    public var availableBytes: UInt64
    /// 0 for a filesystem that makes inodes as it needs them.
    public var totalInodes: UInt64
    public var usedInodes: UInt64

    public init(
        totalBytes: UInt64, usedBytes: UInt64, availableBytes: UInt64, totalInodes: UInt64 = 0, usedInodes: UInt64 = 0
    ) {
        self.totalBytes = totalBytes
        self.usedBytes = usedBytes
        self.availableBytes = availableBytes
        self.totalInodes = totalInodes
        self.usedInodes = usedInodes
    }
}

/// Mounts filesystems on this node.
public protocol Mounter: Sendable {
    /// Mounts `device` at `mountpoint`, which is made if it does not exist.
    func mount(_ device: String, at mountpoint: String, _ filesystem: FilesystemType, options: [String]) async throws

    /// Unmounts, never by force and never lazily; then removes the empty directory. Succeeds when nothing is mounted.
    /// - Parameter device: what is to be unmounted: anything else that is mounted there stays. `nil` for whatever is there,
    ///   which has to be below the folder that mountpoints are made in.
    /// - Throws: `VolumeError` with code `busy` while a file is open, a directory in use, or something mounted over it.
    func unmount(_ mountpoint: String, of device: String?) async throws

    /// Where the filesystem on the device is mounted on this node, inside the plugin.
    func mountpoints(of device: String) async throws -> [String]

    /// What is mounted at the mountpoint (the topmost mount); `nil` when nothing is.
    func mounted(at mountpoint: String) async throws -> MountedFilesystem?

    /// Whether something on this node has the block device open or mounted, in any mount namespace. `false` for a device
    /// that does not exist.
    func isInUse(_ device: String) async throws -> Bool

    /// Opens the device and keeps it open. A held device cannot be given back, and its path cannot become another device's, even if
    /// the process behind the mapping dies. Callers check whose device it is after they hold it: it may have been replaced before.
    /// - Throws: `VolumeError` when there is no such device, or nothing is behind it.
    func hold(_ device: String) async throws -> HeldDevice

    /// Makes the root of a mounted volume fit for use: an empty `lost+found` goes, owner and mode are set.
    func prepareRoot(of mountpoint: String, spec: VolumeSpec) async throws
}

extension Mounter {
    /// Unmounts whatever is mounted there.
    public func unmount(_ mountpoint: String) async throws { try await unmount(mountpoint, of: nil) }
}

/// A mount, as `/proc/self/mountinfo` shows it.
public struct MountedFilesystem: Sendable, Hashable {
    public var device: String
    public var filesystem: String
    public var readOnly: Bool

    public init(device: String, filesystem: String, readOnly: Bool) {
        self.device = device
        self.filesystem = filesystem
        self.readOnly = readOnly
    }
}

import CMountNamespace
import Glibc
import MountInfo

/// Takes what is mounted from loop devices out of this process's sight.
///
/// mke2fs, e2fsck and mkfs.btrfs look through all mounts for the device or file that they are to work on, and ask the kernel
/// for the file of each loop device that is mounted. When that file is served by a process that stands still, the kernel waits
/// for it, and with it whoever asked, whatever that was to work on.
enum Apart {
    /// Mounts that hold one of the words stay, and those of a device that is one of them.
    static func hideLoopMounts(besides words: [String]) throws {
        let words = words + [folder()].compactMap(\.self)
        let hidden = MountInfoLine.all(in: try File.content("/proc/self/mountinfo")).filter { mount in
            mount.isOfLoopDevice && !words.contains { $0 == mount.source || mount.holds($0) }
        }
        guard !hidden.isEmpty else { return }
        try Failure.check("make a mount namespace of its own") { cmountnamespace_unshare() }
        let flags = UInt(MS_REC | MS_PRIVATE)
        try Failure.check("make its mounts private") { mount("none", "/", nil, flags, nil) }
        // The copy keeps filesystems in use that others want to let go of: for as short a time as can be.
        for mount in hidden.reversed() { umount2(mount.mountpoint, CInt(MNT_DETACH | UMOUNT_NOFOLLOW)) }
    }

    private static func folder() -> String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}

extension MountInfoLine {
    fileprivate var isOfLoopDevice: Bool {
        // A btrfs has no device's number.
        deviceNumber.hasPrefix("7:") || source.hasPrefix("/dev/loop")
    }

    fileprivate func holds(_ path: String) -> Bool {
        mountpoint == "/" || path == mountpoint || path.hasPrefix(mountpoint + "/")
    }
}

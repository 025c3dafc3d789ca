import CMountNamespace
import Glibc

/// Takes what is mounted from loop devices out of this process's sight.
///
/// mke2fs, e2fsck and mkfs.btrfs look through all mounts for the device or file that they are to work on, and ask the kernel
/// for the file of each loop device that is mounted. When that file is served by a process that stands still, the kernel waits
/// for it, and with it whoever asked, whatever that was to work on.
enum Apart {
    /// Mounts that hold one of the words stay, and those of a device that is one of them.
    static func hideLoopMounts(besides words: [String]) throws {
        let words = words + [folder()].compactMap(\.self)
        let hidden = try File.lines("/proc/self/mountinfo").compactMap(LoopMount.init).filter { mount in
            !words.contains { $0 == mount.source || mount.holds($0) }
        }
        guard !hidden.isEmpty else { return }
        try Failure.check("get mounts of its own") { cmountnamespace_unshare() }
        let flags = UInt(MS_REC | MS_PRIVATE)
        try Failure.check("keep what it does to them to itself") { mount("none", "/", nil, flags, nil) }
        // The copy keeps filesystems in use that others want to let go of: for as short a time as can be.
        for mount in hidden.reversed() { umount2(mount.mountpoint, CInt(MNT_DETACH | UMOUNT_NOFOLLOW)) }
    }

    private static func folder() -> String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}

/// A mount from a loop device, by its line in mountinfo (proc(5)).
struct LoopMount {
    let mountpoint: String
    /// `/dev/loop7`
    let source: String

    init?(line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 6, let dash = fields[6...].firstIndex(of: "-"), fields.count > dash + 2,
            // A btrfs has no device's number.
            fields[2].hasPrefix("7:") || fields[dash + 2].hasPrefix("/dev/loop")
        else { return nil }
        mountpoint = Self.unescape(fields[4])
        source = Self.unescape(fields[dash + 2])
    }

    func holds(_ path: String) -> Bool { mountpoint == "/" || path == mountpoint || path.hasPrefix(mountpoint + "/") }

    /// The kernel writes blanks, tabs, line breaks and backslashes as `\040` and so on.
    private static func unescape(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            let digits = byte == UInt8(ascii: "\\") ? String(decoding: rest.prefix(3), as: UTF8.self) : ""
            let code = UInt8(digits, radix: 8)
            bytes.append(code ?? byte)
            if code != nil { rest = rest.dropFirst(3) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

import CFilesystemOptions
import Glibc
import MountInfo

/// A mounted filesystem, open: as long as this is there, nobody can unmount it, and its path cannot come to mean another one.
struct OpenedMount: ~Copyable {
    let descriptor: CInt
    let mountpoint: String
    private let mount: MountInfoLine

    /// - Throws: `Failure` with code `ENOENT` when it is not the device's filesystem that is mounted there.
    init(_ mountpoint: String, of device: String) throws {
        let descriptor = try Failure.check("open \(mountpoint)") {
            open(mountpoint, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        do {
            mount = try Self.line(of: descriptor, from: device, mountpoint)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.mountpoint = mountpoint
    }

    deinit { close(descriptor) }

    private static func line(of descriptor: CInt, from device: String, _ mountpoint: String) throws -> MountInfoLine {
        let id = MountInfoLine.id(inDescriptor: try File.content("/proc/self/fdinfo/\(descriptor)"))
        let mounts = MountInfoLine.all(in: try File.content("/proc/self/mountinfo"))
        guard let mount = mounts.first(where: { $0.id == id && $0.source == device }) else {
            throw Failure(what: "find \(device) mounted at \(mountpoint)", code: ENOENT)
        }
        return mount
    }

    // MARK: Options

    /// Changes one option of the filesystem, and leaves all else of the mount as it is.
    func set(_ option: String, to value: String?) throws {
        let picked = try Failure.check("pick \(mountpoint)") { cfilesystemoptions_pick(descriptor) }
        defer { close(picked) }
        try Failure.check("set \(option)") {
            guard let value else { return cfilesystemoptions_set(picked, option, nil) }
            return cfilesystemoptions_set(picked, option, value)
        }
        try Failure.check("change the options of \(mountpoint)") { cfilesystemoptions_apply(picked) }
    }

    // MARK: Trimming

    /// `struct fstrim_range` of linux/fs.h.
    private struct Range {
        var start: UInt64
        var length: UInt64
        var least: UInt64 = 0
    }

    /// `FITRIM` of linux/fs.h.
    private static let command: UInt = 0xC018_5879
    /// What is trimmed at a time. Whole groups of blocks, of which ext4 remembers that they are trimmed.
    private static let part: UInt64 = 1 << 30
    /// After each part the filesystem's users have Ceph to themselves as long as the part took, but no longer than this.
    private static let longestPause = 1_000_000_000

    /// Gives back all blocks that are not used.
    /// - Parameter inParts: whether the filesystem's addresses are those of its device.
    /// - Returns: how many bytes were given back.
    func trim(inParts: Bool) throws -> UInt64 {
        guard inParts, let size = deviceSize() else { return try trim(Range(start: 0, length: .max)) }
        var total: UInt64 = 0
        var start: UInt64 = 0
        while start < size, !isOrphaned {
            let began = Self.now()
            do {
                total += try trim(Range(start: start, length: min(Self.part, size - start)))
            } catch let error as Failure where error.code == EINVAL && start > 0 {
                // The filesystem is smaller than its device.
                break
            }
            Self.pause(min(Self.now() - began, Self.longestPause))
            start += Self.part
        }
        return total
    }

    private func trim(_ range: Range) throws -> UInt64 {
        var range = range
        try Failure.check("trim \(mountpoint)") {
            withUnsafeMutablePointer(to: &range) { ioctl(descriptor, Self.command, $0) }
        }
        return range.length
    }

    /// Whether the plugin that asked for this has ended: nobody could stop it any more when the volume is to be unmounted.
    private var isOrphaned: Bool {
        var input = pollfd(fd: STDIN_FILENO, events: 0, revents: 0)
        return poll(&input, 1, 0) > 0 && input.revents & Int16(POLLHUP | POLLERR) != 0
    }

    private func deviceSize() -> UInt64? {
        // In sectors of 512 bytes, whatever those of the device are.
        File.line("/sys/dev/block/\(mount.deviceNumber)/size").flatMap { UInt64($0) }.map { $0 << 9 }
    }

    /// In nanoseconds.
    static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    private static func pause(_ nanoseconds: Int) {
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        nanosleep(&time, nil)
    }
}

import Glibc
import MountInfo

/// A loop device of a certain file.
struct LoopDevice {
    /// `/dev/loop7`
    let path: String
    let file: String

    /// Gives the device back, now or, while it is in use, with its last user.
    ///
    /// The number of a device that was given back goes to the next file that needs one, which may be another program's. So
    /// the device is opened first and looked at then: what is open keeps its file.
    /// - Parameter onlyMounted: whether to leave it alone unless it is mounted.
    func giveBack(onlyMounted: Bool) throws {
        let descriptor = try Failure.check("open \(path)") { open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let backing = File.line("/sys/block/\(name)/loop/backing_file")
        // What the kernel appends once the file has no name any more.
        guard backing == file || backing == file + " (deleted)" else {
            throw Failure(what: "find \(file) behind \(path)", code: ENXIO)
        }
        if try onlyMounted && !isMounted(name) { return }
        // LOOP_CLR_FD of linux/loop.h. Of a device in use it means "when nobody uses it any more" (loop(4)).
        try Failure.check("free \(path)") { ioctl(descriptor, 0x4C01, CInt(0)) }
    }

    private func isMounted(_ name: String) throws -> Bool {
        guard let number = File.line("/sys/block/\(name)/dev") else { return false }
        return MountInfoLine.all(in: try File.content("/proc/self/mountinfo")).contains { $0.deviceNumber == number }
    }
}

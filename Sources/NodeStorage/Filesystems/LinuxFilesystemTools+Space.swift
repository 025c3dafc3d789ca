import Glibc
import MountInfo
import SystemPackage
import VolumeCore

/// What a mounted filesystem says of its space, and how it gives back what it does not use.
extension LinuxFilesystemTools {
    /// Ends a trim that gets nowhere.
    private static let longestTrim = Duration.seconds(6 * 3600)

    public func usage(of device: String, mountpoint: String) async throws -> FilesystemUsage {
        let what = "see how full \(mountpoint) is"
        let usage = try await kernel.runOnDevice("statvfs \(device)", to: what) {
            try OpenedPath(mountpoint).usage(of: device)
        }
        guard let usage else { throw Self.notMounted(device, mountpoint, what) }
        return usage
    }

    /// FITRIM by a child of its own, as the kernel keeps its asker waiting; not by fstrim(8), which would trim all at once.
    public func trim(_ device: String, _ filesystem: FilesystemType, mountpoint: String) async throws -> UInt64 {
        let what = "trim \(mountpoint)"
        let request = MountRequest.trim(
            device, at: mountpoint, inParts: filesystem.commands.isTrimmedInParts, within: Self.longestTrim)
        let result = try await runner.run(request, to: what)
        if result.succeeded, let bytes = UInt64(result.output.filter { !$0.isWhitespace }) { return bytes }
        let reason = result.reason(of: .kernel)
        switch result.exitStatus {
        case ENOENT: throw Self.notMounted(device, mountpoint, what)
        case EOPNOTSUPP, ENOTTY:
            throw VolumeError(
                .unsupported, what, why: reason,
                remedy: "see that the image is mapped without the option notrim", outcome: .refused)
        default: throw VolumeError(.unavailable, what, why: reason)
        }
    }

    public func setOnlineDiscard(
        _ isOn: Bool, of device: String, _ filesystem: FilesystemType, mountpoint: String
    ) async throws {
        let what = "switch discard \(isOn ? "on" : "off") at \(mountpoint)"
        guard try await discards(device, mountpoint, what) == !isOn else { return }
        let words = filesystem.facts.onlineDiscard.split(separator: "=").map(String.init)
        let (option, value) = isOn ? (words[0], words.dropFirst().first) : ("no" + words[0], nil)
        let result = try await runner.run(
            MountRequest.setOption(option, value, of: device, at: mountpoint, within: timeout), to: what)
        guard result.succeeded else { throw VolumeError(.unavailable, what, why: result.reason(of: .kernel)) }
        // A filesystem may take the option and do nothing about it.
        guard try await discards(device, mountpoint, what) == !isOn else { return }
        throw VolumeError(
            .unsupported, what, why: "this kernel's \(filesystem.rawValue) takes it only when it is mounted",
            remedy: "it holds from the volume's next mount on", outcome: .refused)
    }

    /// - Returns: `nil` for what is mounted read-only.
    private func discards(_ device: String, _ mountpoint: String, _ what: String) async throws -> Bool? {
        let mount = try await kernel.run("read /proc/self/mountinfo", to: what) {
            try MountTable.read().topmost(at: mountpoint)
        }
        guard let mount, mount.source == device else { throw Self.notMounted(device, mountpoint, what) }
        if mount.superOptions.contains("ro") { return nil }
        return mount.superOptions.contains { $0 == "discard" || $0.hasPrefix("discard=") }
    }

    static func notMounted(_ device: String, _ mountpoint: String, _ what: String) -> VolumeError {
        VolumeError(.notFound, what, why: "\(device) is not mounted there", outcome: .refused)
    }
}

/// A path that cannot come to mean another mount while it is looked at. It needs no permission to read there.
private struct OpenedPath: ~Copyable {
    /// O_PATH of <fcntl.h>, which shows it to C with _GNU_SOURCE only.
    private static let pathOnly: CInt = 0o10_000_000

    private let descriptor: CInt

    /// - Throws: `Errno`.
    init(_ path: String) throws {
        descriptor = try SystemCall.check { open(path, Self.pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    }

    deinit { close(descriptor) }

    /// - Returns: `nil` when it is another filesystem: the mountpoint's own folder tells of the host's disk.
    func usage(of device: String) throws -> FilesystemUsage? {
        let id = MountInfoLine.id(inDescriptor: try SmallFile.bytes(of: "/proc/self/fdinfo/\(descriptor)", limit: 4096))
        let mounts = try MountTable.read().entries
        guard mounts.contains(where: { $0.id == id && $0.source == device }) else { return nil }
        var found = statvfs()
        try SystemCall.check { fstatvfs(descriptor, &found) }
        return FilesystemUsage(found)
    }
}

extension FilesystemUsage {
    init(_ found: statvfs) {
        let block = UInt64(found.f_frsize)
        self.init(
            totalBytes: UInt64(found.f_blocks) * block,
            usedBytes: UInt64(found.f_blocks - min(found.f_bfree, found.f_blocks)) * block,
            availableBytes: UInt64(found.f_bavail) * block, totalInodes: UInt64(found.f_files),
            usedInodes: UInt64(found.f_files - min(found.f_ffree, found.f_files)))
    }
}

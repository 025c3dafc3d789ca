import FoundationEssentials

/// What the kernel holds below a folder: mounts, loop devices, and the daemons that export images there.
///
/// Two values can be compared to prove that a failed call left nothing behind.
public struct KernelState: Equatable, Sendable {
    public let mounts: [MountEntry]
    public let loopDevices: [LoopDevice]
    public let exports: [ExportDaemon]

    public struct LoopDevice: Equatable, Hashable, Sendable {
        /// `/dev/loopN`
        public let device: String
        public let backingFile: String

        public init(device: String, backingFile: String) {
            self.device = device
            self.backingFile = backingFile
        }
    }

    /// A `qemu-storage-daemon` or `rbd-nbd` that names the folder in its arguments.
    public struct ExportDaemon: Equatable, Hashable, Sendable {
        public let pid: Int32
        public let arguments: [String]
    }

    public init(below folder: String) {
        let prefix = folder + "/"
        mounts = MountEntry.all().filter { $0.mountpoint.hasPrefix(prefix) }
        loopDevices = Self.allLoopDevices().filter { $0.backingFile.hasPrefix(prefix) }
        exports = Self.allExportDaemons().filter { $0.arguments.contains { $0.contains(prefix) } }
    }

    public var isEmpty: Bool { mounts.isEmpty && loopDevices.isEmpty && exports.isEmpty }

    /// The mount at exactly this path, the topmost if several lie on it.
    public func mount(at path: String) -> MountEntry? {
        mounts.last { $0.mountpoint == path }
    }

    private static func allLoopDevices() -> [LoopDevice] {
        names(in: "/sys/block").filter { $0.hasPrefix("loop") }.sorted().compactMap { name in
            firstLine(of: "/sys/block/\(name)/loop/backing_file").map {
                LoopDevice(device: "/dev/\(name)", backingFile: $0)
            }
        }
    }

    private static func allExportDaemons() -> [ExportDaemon] {
        names(in: "/proc").compactMap(Int32.init).sorted().compactMap { pid in
            guard let line = kernelFile("/proc/\(pid)/cmdline") else { return nil }
            let arguments = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            let program = arguments.first?.split(separator: "/").last
            guard program == "qemu-storage-daemon" || program == "rbd-nbd" else { return nil }
            return ExportDaemon(pid: pid, arguments: arguments)
        }
    }

    private static func names(in directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }

    private static func firstLine(of file: String) -> String? {
        guard let content = kernelFile(file) else { return nil }
        return String(decoding: content.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}

extension KernelState: CustomStringConvertible {
    public var description: String {
        let lines =
            mounts.map { "mounted: \($0)" }
            + loopDevices.map { "loop device: \($0.device) on \($0.backingFile)" }
            + exports.map { "running: \($0.arguments.joined(separator: " ")) (pid \($0.pid))" }
        return lines.isEmpty ? "nothing" : lines.joined(separator: "\n")
    }
}

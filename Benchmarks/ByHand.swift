import FoundationEssentials
import Glibc
import Rig

/// What people and scripts do with the usual tools, in the order in which plugins that call them do it. Each call is a
/// process that connects to the cluster anew.
struct ByHand {
    let rig: RigEnvironment
    let device: HandDevice
    let mountpoint: String

    private var ceph: CephRig { CephRig(rig) }

    /// rbd create, map, mkfs, unmap.
    func create(_ image: String, size: String, filesystem: String) async throws {
        try await ceph.run("rbd", ["create", "--size", size, "\(rig.pool)/\(image)"]).checked()
        let path = try await device.map(image)
        try await runTool("mkfs.\(filesystem)", Self.quick(filesystem) + [path]).checked()
        try await device.unmap(image, path)
    }

    /// rbd map, mount.
    /// - Parameter folder: where to; the one mountpoint unless another is named.
    /// - Returns: the device.
    func mount(_ image: String, at folder: String? = nil) async throws -> String {
        let path = try await device.map(image)
        try await runTool("mount", [path, folder ?? mountpoint]).checked()
        return path
    }

    /// umount, rbd unmap.
    func unmount(_ image: String, _ path: String, at folder: String? = nil) async throws {
        try await runTool("umount", [folder ?? mountpoint]).checked()
        try await device.unmap(image, path)
    }

    /// rbd rm
    func remove(_ image: String) async throws {
        try await ceph.run("rbd", ["rm", "--no-progress", "\(rig.pool)/\(image)"]).checked()
    }

    /// As the plugin gives them, so that both make the same filesystem.
    static func quick(_ filesystem: String) -> [String] {
        filesystem == "ext4"
            ? ["-q", "-m0", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1"] : ["-q", "-K"]
    }
}

/// How an image is made a device without the plugin.
enum HandDevice {
    /// `rbd map` and `rbd unmap`, as the client's own user.
    case krbd(RigEnvironment)
    /// qemu-storage-daemon and losetup.
    case fuse(RigEnvironment, folder: String)

    init(_ rig: RigEnvironment, folder: String) {
        let chosen = ProcessInfo.processInfo.environment["RBD_MAPPER"] ?? "auto"
        let hasDriver = access("/sys/bus/rbd", F_OK) == 0
        self = chosen == "krbd" || (chosen == "auto" && hasDriver) ? .krbd(rig) : .fuse(rig, folder: folder)
    }

    var name: String {
        switch self {
        case .krbd: "krbd"
        case .fuse: "fuse"
        }
    }

    func map(_ image: String) async throws -> String {
        switch self {
        case .krbd(let rig):
            return try await CephRig(rig).run(
                "rbd", ["map", "--options", "noudev,noshare", "\(rig.pool)/\(image)"]
            ).checked().output.trimmed
        case .fuse(let rig, let folder):
            let file = "\(folder)/\(image).img"
            try Data().write(to: URL(filePath: file))
            try await runTool(
                "qemu-storage-daemon",
                [
                    "--daemonize", "--pidfile", "\(file).pid", "--blockdev",
                    "driver=rbd,node-name=n0,pool=\(rig.pool),image=\(image),conf=\(rig.cephConf),user=\(rig.cephUser),"
                        + "cache.direct=on,discard=unmap",
                    "--export", "type=fuse,id=e0,node-name=n0,mountpoint=\(file),writable=on",
                ]
            ).checked()
            return try await runTool("losetup", ["--direct-io=on", "-f", "--show", file]).checked().output.trimmed
        }
    }

    func unmap(_ image: String, _ path: String) async throws {
        switch self {
        case .krbd(let rig): try await CephRig(rig).run("rbd", ["unmap", "--options", "noudev", path]).checked()
        case .fuse(_, let folder):
            let file = "\(folder)/\(image).img"
            try await runTool("losetup", ["-d", path]).checked()
            let pid = try String(contentsOf: URL(filePath: "\(file).pid"), encoding: .utf8).trimmed
            try await runTool("kill", [pid]).checked()
            while Self.isRunning(pid) { try await Task.sleep(for: .milliseconds(1)) }
            try FileManager.default.removeItem(atPath: file)
        }
    }

    /// A daemon that has ended stays a zombie until the machine's init looks at it, which can take seconds.
    private static func isRunning(_ pid: String) -> Bool {
        guard let stat = try? String(contentsOf: URL(filePath: "/proc/\(pid)/stat"), encoding: .utf8) else {
            return false
        }
        return stat.split(separator: ")").last?.trimmed.first != "Z"
    }
}

extension StringProtocol {
    var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}

import Rig
import Testing

/// A mount in the container of a managed plugin.
struct PluginMount: CustomStringConvertible {
    let entry: MountEntry
    private let id: Substring
    private let parent: Substring
    /// Whether another mount lies over it, or over one that it is below.
    private(set) var isHidden = false

    /// All of them, by the text of the container's `mountinfo`.
    static func all(in table: String) -> [PluginMount] {
        var mounts = table.split(separator: "\n").compactMap(PluginMount.init(line:))
        let covered = Set(
            mounts.filter { mount in
                mounts.contains { $0.parent == mount.id && $0.entry.mountpoint == mount.entry.mountpoint }
            }.map(\.id))
        for index in mounts.indices { mounts[index].isHidden = mounts[index].isHidden(below: covered, among: mounts) }
        return mounts
    }

    private init?(line: Substring) {
        let fields = line.split(separator: " ", maxSplits: 2)
        guard let entry = MountEntry(line: line), fields.count == 3 else { return nil }
        (self.entry, id, parent) = (entry, fields[0], fields[1])
    }

    private func isHidden(below covered: Set<Substring>, among mounts: [PluginMount]) -> Bool {
        if covered.contains(id) { return true }
        // The one that covers it is its child too, and can be seen.
        guard let above = mounts.first(where: { $0.id == parent }), above.entry.mountpoint != entry.mountpoint else {
            return false
        }
        return above.isHidden(below: covered, among: mounts)
    }

    var description: String { "\(entry)\(entry.root == "/" ? "" : " of \(entry.root)")\(isHidden ? ", hidden" : "")" }

    /// Why it is there; nil when nobody has a reason.
    ///
    /// - Parameter stateFolder: the plugin's `RBD_STATE_DIR`.
    func reason(stateFolder: String) -> String? {
        let (place, type, isReadOnly) = (entry.mountpoint, entry.type, entry.options.contains("ro"))
        if isHidden {
            let isOwn = place == "/dev" || place.hasPrefix("/dev/")
            return isOwn && ["tmpfs", "devpts", "mqueue"].contains(type) ? "Docker's own /dev, beneath the host's" : nil
        }
        switch place {
        case "/": return "the plugin's files"
        case "/proc": return type == "proc" ? "of its own processes" : nil
        case "/sys": return type == "sysfs" && isReadOnly ? "Docker's, to read of modules and block devices" : nil
        case "/sys/bus": return type == "sysfs" ? "to map and unmap through /sys/bus/rbd" : nil
        case "/dev": return type == "devtmpfs" ? "where devices appear" : nil
        case "/lib/modules", "/usr/lib/modules": return isReadOnly ? "to load rbd from" : nil
        case "/etc/ceph", "/etc/etcd": return isReadOnly ? "what the operator shows it" : nil
        case "/etc/hosts", "/etc/resolv.conf": return isReadOnly ? "the host's network is its own" : nil
        case "/run/docker/plugins": return "for its socket"
        case "/mnt/volumes": return "for its volumes"
        case _ where place.hasPrefix("/mnt/volumes/"): return "a volume"
        case _ where place.hasPrefix(stateFolder + "/fuse/"): return type == "fuse" ? "an image as a file" : nil
        case "/sys/fs/cgroup" where type == "tmpfs":
            // The host's own has programs run from it.
            return entry.options.contains("noexec") ? "the container's own folders for control groups" : nil
        case _ where place.hasPrefix("/sys/fs/cgroup"):
            return type.hasPrefix("cgroup") && isReadOnly ? "Docker's, to read" : nil
        case _ where place.hasPrefix("/proc/") || place.hasPrefix("/sys/"):
            let isNothing = isReadOnly && type == "tmpfs" || entry.root == "/null"
            return isNothing || isReadOnly && type == "proc" ? "closed by Docker" : nil
        default: return nil
        }
    }
}

extension ManagedPlugin {
    /// What the kernel says of the program itself in a file of its folder below `/proc`.
    private func kernelText(_ file: String) async throws -> String {
        // The first of its processes: others are about to become tools.
        guard let process = try await processes.min() else { throw RigFailure("the plugin \(name) does not run") }
        return try await engine.kernelText("/proc/\(process)/\(file)")
    }

    /// Its container has no mounts but those that a reason is known for, and wins no privileges.
    func expectConfinement(stateFolder: String) async throws {
        let mounts = PluginMount.all(in: try await kernelText("mountinfo"))
        for place in ["/dev", "/sys", "/sys/bus", "/mnt/volumes", "/etc/ceph", "/etc/etcd"] {
            #expect(mounts.contains { $0.entry.mountpoint == place && !$0.isHidden }, "\(place)")
        }
        for mount in mounts { #expect(mount.reason(stateFolder: stateFolder) != nil, "\(mount)") }
        let status = try await kernelText("status")
        #expect(status.contains("\nNoNewPrivs:\t1\n"), "\(status)")
    }
}

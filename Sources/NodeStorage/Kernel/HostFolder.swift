import MountInfo

/// Where a folder of this process is for the host. In a managed plugin they differ: Docker puts a folder of its own below
/// the plugin's mount root, and people on the host look for volumes there.
public enum HostFolder: Sendable, Hashable {
    /// The same path.
    case same
    case at(String)
    /// It is another one, and it cannot be told for certain which.
    case unknown

    /// Finds it in this process's table of mounts; `unknown` when that cannot be read. Blocks for a moment.
    public static func find(_ folder: String) -> HostFolder {
        guard let table = try? MountTable.read() else { return .unknown }
        return find(folder, in: table)
    }

    /// A table shows which folder of a filesystem is mounted, and not where the host has that filesystem. It is the host's
    /// own root when the modules' folder, which is known to be `/usr/lib/modules` on the host, has that path in it too.
    static func find(_ folder: String, in table: MountTable) -> HostFolder {
        guard let mount = table.topmost(at: folder), isDockers(mount) else { return .same }
        let isOnRoot = table.entries.contains { entry in
            entry.deviceNumber == mount.deviceNumber && knownOnHost[entry.mountpoint]?.contains(entry.root) == true
        }
        return isOnRoot ? .at(mount.root) : .unknown
    }

    /// Whether that is the folder which Docker makes for a managed plugin.
    static func isDockers(_ mount: MountTable.Entry) -> Bool { mount.root.hasSuffix("/propagated-mount") }

    /// What `config.json` binds from the host, and the paths that tell that its filesystem is the host's root: the folder
    /// below `/usr` on hosts that have `/lib` there, which a filesystem of its own for `/usr` would show without it.
    private static let knownOnHost = ["/lib/modules": ["/usr/lib/modules"], "/usr/lib/modules": ["/usr/lib/modules"]]

    /// A path below the folder, as the host has it; `nil` when that is not known.
    public func path(of inner: String, below folder: String) -> String? {
        guard inner.hasPrefix(folder + "/") else { return nil }
        switch self {
        case .same: return inner
        case .at(let host): return host + inner.dropFirst(folder.count)
        case .unknown: return nil
        }
    }
}

import Glibc

/// Finds out who uses a filesystem or a device, for the error that says busy. A help for people: processes in other
/// process namespaces cannot be seen, and the search gives up after a while. Blocks: use it inside `KernelCalls.run`.
enum DeviceHolders {
    private static let most = 5
    private static let patience = Duration.milliseconds(500)

    /// Processes with an open file, a working directory or a root below the mountpoint.
    static func users(ofMountpoint mountpoint: String) -> [String] {
        search { pid in
            links(of: pid).contains { $0 == mountpoint || $0.hasPrefix(mountpoint + "/") }
        }
    }

    /// Processes that have the device itself open, or whose mount namespace has its filesystem mounted.
    /// - Parameter server: the process that serves the device, which is none of its users.
    static func users(ofDevice device: BlockDevice, besides server: Int32? = nil) -> [String] {
        let number = (try? device.number()) ?? nil
        var seen: [String: Bool] = [:]
        return search { pid in
            if pid != server && descriptors(of: pid).contains(device.path) { return true }
            // One process of each mount namespace is enough.
            guard let number, let namespace = SystemCall.target(ofLink: "/proc/\(pid)/ns/mnt") else { return false }
            if seen[namespace] != nil { return false }
            let table = try? MountTable.read("/proc/\(pid)/mountinfo")
            let mounts = !(table?.mounts(ofDevice: number).isEmpty ?? true)
            seen[namespace] = mounts
            return mounts
        }
    }

    /// Processes that have the device itself open, other than by a mount.
    static func openers(of device: BlockDevice, besides server: Int32? = nil) -> [String] {
        search { $0 != server && descriptors(of: $0).contains(device.path) }
    }

    private static func search(_ holds: (Int32) -> Bool) -> [String] {
        let until = ContinuousClock.now + patience
        var found: [String] = []
        for pid in (try? ProcessTable.pids()) ?? [] {
            if holds(pid) { found.append("\(ProcessTable.name(of: pid)) (process \(pid))") }
            if found.count == most || ContinuousClock.now > until { break }
        }
        return found
    }

    private static func links(of pid: Int32) -> [String] {
        ["cwd", "root"].compactMap { SystemCall.target(ofLink: "/proc/\(pid)/\($0)") } + descriptors(of: pid)
    }

    private static func descriptors(of pid: Int32) -> [String] {
        let folder = "/proc/\(pid)/fd"
        return ((try? SystemCall.names(in: folder)) ?? []).compactMap { SystemCall.target(ofLink: "\(folder)/\($0)") }
    }

    /// ` (used by postgres (process 12))`, or nothing.
    static func clause(_ users: [String]) -> String {
        users.isEmpty ? "" : " (used by \(users.joined(separator: ", ")))"
    }
}

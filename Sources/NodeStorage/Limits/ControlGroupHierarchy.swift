import VolumeCore

/// The hierarchy of control groups that bounds I/O on this host.
enum ControlGroupHierarchy: Sendable, Hashable {
    /// cgroup v2. A limit of a group holds for all groups below it together.
    case unified
    /// cgroup v1, with the controllers that share the hierarchy of `blkio`. A limit holds for the one group that has it.
    case legacy([String])

    /// - Parameter groups: the text of `/proc/self/cgroup`, a line for each hierarchy: `7:blkio:/`, and `0::/` for v2. A
    ///   controller belongs to one hierarchy: where v1 has `blkio`, v2 has no `io`.
    init(groups: String) {
        let controllers = groups.split(separator: "\n").lazy
            .compactMap { $0.split(separator: ":", omittingEmptySubsequences: false).dropFirst().first }
            .map { $0.split(separator: ",").map(String.init) }
        self = controllers.first { $0.contains("blkio") }.map { .legacy($0) } ?? .unified
    }

    /// Where hosts have it, for people.
    var shownPath: String {
        switch self {
        case .unified: "/sys/fs/cgroup"
        case .legacy(let controllers): "/sys/fs/cgroup/" + controllers.joined(separator: ",")
        }
    }

    /// Mounts it for this process. Blocking.
    ///
    /// In a managed plugin `/sys/fs/cgroup` is read-only, and with v1 it shows the plugin's own group alone. But Docker gives
    /// plugins no cgroup namespace, so a mount of the plugin's own shows the host's groups, and can be written.
    func mount() throws -> DetachedMount {
        switch self {
        case .unified: try DetachedMount("cgroup2")
        // With other controllers than the hierarchy has, the kernel would try to make a new one.
        case .legacy(let controllers): try DetachedMount("cgroup", flags: controllers)
        }
    }
}

import SystemPackage
import VolumeCore

/// The control groups of this host, and the limits of devices in them. All calls block.
struct ControlGroups: Sendable {
    let hierarchy: ControlGroupHierarchy
    /// The root group's folder.
    let root: String
    /// What keeps that folder in reach.
    private let mount: DetachedMount?

    /// - Parameter root: a folder that is there already.
    init(_ hierarchy: ControlGroupHierarchy, root: String) {
        self.hierarchy = hierarchy
        self.root = root
        mount = nil
    }

    private init(_ hierarchy: ControlGroupHierarchy, _ mount: DetachedMount) {
        self.hierarchy = hierarchy
        root = mount.path
        self.mount = mount
    }

    /// Those of all processes of this host.
    /// - Throws: `Errno`, or `VolumeError` with code `unsupported` when this process cannot reach them.
    static func ofHost(for what: String) throws -> ControlGroups {
        guard isInitial(namespace: SystemCall.target(ofLink: "/proc/self/ns/cgroup")) else {
            throw VolumeError(
                .unsupported, what, why: "the plugin runs in a cgroup namespace that does not show the host's groups",
                remedy: "start its container with --cgroupns=host")
        }
        let hierarchy = ControlGroupHierarchy(groups: try SmallFile.read("/proc/self/cgroup"))
        do {
            return ControlGroups(hierarchy, try hierarchy.mount())
        } catch let error as Errno {
            throw VolumeError(
                .unsupported, what, why: "the host's control groups cannot be mounted: \(error)",
                remedy: "the plugin needs CAP_SYS_ADMIN, and Linux 5.2 or later")
        }
    }

    /// Whether that is the host's own namespace, which has the same number in every kernel (`PROC_CGROUP_INIT_INO`).
    /// - Parameter namespace: of this process; `nil` where the kernel has no such namespaces.
    static func isInitial(namespace: String?) -> Bool { namespace.map { $0 == "cgroup:[4026531835]" } ?? true }

    /// Sees to it that the device has exactly these limits in every group that can bound it. Writes only what differs.
    /// - Parameter number: the device's `major:minor`.
    /// - Throws: `Errno`, or `VolumeError` with code `unsupported` when this host's groups have no limits of I/O.
    func set(_ limits: DeviceLimits, on number: String, for what: String) throws {
        switch hierarchy {
        case .unified: try setUnified(limits, number, what)
        case .legacy: try setLegacy(limits, number, in: root, what)
        }
    }

    /// Limits the groups below the root: the slices of systemd, Docker's and Kubernetes' own. The root itself has no limits.
    ///
    /// A device belongs to one volume, so a limit high up bounds the containers that use it and nobody else. If containers of
    /// two such groups use a volume, each of the two groups may use the limit in full.
    private func setUnified(_ limits: DeviceLimits, _ number: String, _ what: String) throws {
        var isLimitable = false
        for group in try SystemCall.names(in: root) {
            let file = "\(root)/\(group)/io.max"
            guard let text = try SmallFile.line(file) else { continue }
            isLimitable = true
            guard DeviceLimits(ioMax: text, device: number) != limits else { continue }
            try write(limits.ioMax(of: number), to: file, what)
        }
        guard isLimitable || limits == .none else { throw try unlimitable(what) }
    }

    /// Limits every single group: a limit does not hold for the groups below. In the root group are the kernel's own threads,
    /// which write what any process has written to the page cache.
    private func setLegacy(_ limits: DeviceLimits, _ number: String, in group: String, _ what: String) throws {
        for (name, limit) in DeviceLimits.files {
            let file = "\(group)/\(name)"
            guard let text = try SmallFile.line(file) else {
                // Another group has ended in the meantime.
                guard group == root, limits != .none else { return }
                throw noThrottling("there is no \(shown(file))", what)
            }
            let wanted = limits[keyPath: limit]
            guard DeviceLimits.limit(of: number, inLegacy: text) != wanted else { continue }
            try write("\(number) \(wanted ?? 0)", to: file, what)
        }
        for name in try SystemCall.folders(in: group) {
            try setLegacy(limits, number, in: "\(group)/\(name)", what)
        }
    }

    private func write(_ text: String, to file: String, _ what: String) throws {
        do {
            try SmallFile.write(text, to: file)
        } catch let error as Errno where [.noSuchFileOrDirectory, .operationNotSupportedByDevice].contains(error) {
            return  // The group has ended, or the device has.
        } catch let error as Errno where [.readOnlyFileSystem, .permissionDenied, .notPermitted].contains(error) {
            throw VolumeError(
                .unsupported, what, why: "\(shown(file)) cannot be written: \(error)",
                remedy: "let the plugin write there")
        }
    }

    /// Why no group has `io.max`.
    private func unlimitable(_ what: String) throws -> VolumeError {
        let enabled = try words(of: "cgroup.subtree_control")
        if enabled.contains("io") {
            return noThrottling("no group in \(hierarchy.shownPath) has a file io.max", what)
        }
        guard try words(of: "cgroup.controllers").contains("io") else {
            return noThrottling("\(hierarchy.shownPath)/cgroup.controllers does not name io", what)
        }
        return VolumeError(
            .unsupported, what,
            why: "the controller io is not enabled in \(hierarchy.shownPath)/cgroup.subtree_control",
            remedy: "enable it, with systemd by IOAccounting=yes in the unit of Docker")
    }

    private func noThrottling(_ why: String, _ what: String) -> VolumeError {
        VolumeError(
            .unsupported, what, why: why,
            remedy: "use a kernel with CONFIG_BLK_CGROUP and CONFIG_BLK_DEV_THROTTLING")
    }

    private func words(of name: String) throws -> [Substring] {
        try SmallFile.line("\(root)/\(name)")?.split(separator: " ") ?? []
    }

    /// As the host has the file.
    private func shown(_ file: String) -> String { hierarchy.shownPath + file.dropFirst(root.utf8.count) }
}

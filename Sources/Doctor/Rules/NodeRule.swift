/// What is to be said of this host.
public enum NodeRule {
    /// Of the free space, which scratch files take a quarter of: enough for the filesystem of a volume of some hundred GiB.
    static let leastScratch: UInt64 = 1 << 30

    public static func results(_ seen: NodeSeen) -> [CheckResult] {
        [mapper(seen), filesystems(seen), scratch(seen), limits(seen)]
    }

    // MARK: Mapping

    private static func mapper(_ seen: NodeSeen) -> CheckResult {
        if let failure = seen.mapperFailure { return .unknown(.mapper, because: failure) }
        let passed = seen.mappers.filter { !$0.lacks.isEmpty }.map { "\($0.kind): \($0.lacks.joined(separator: ", "))" }
        guard let chosen = seen.chosenMapper else {
            let wanted =
                seen.wantedMapper.map { "RBD_MAPPER=\($0) does not work here" } ?? "no way of mapping works here"
            return CheckResult(
                .mapper, "", "Linux \(seen.kernel)",
                [
                    Finding(
                        .noMapper, "\(wanted): \(passed.joined(separator: "; "))",
                        remedy: seen.wantedMapper == nil
                            ? "provide what one of them lacks: 'modprobe rbd' for krbd is the least"
                            : "provide what is missing, or set RBD_MAPPER=auto")
                ])
        }
        var findings: [Finding] = []
        if chosen == "krbd", let features = seen.unsupportedFeatures, !features.isEmpty {
            let names = features.joined(separator: ",")
            findings.append(
                Finding(
                    .featureUnsupported, "Linux \(seen.kernel) cannot map the default feature \(names)",
                    remedy: "leave \(names) out of RBD_DEFAULT_FEATURES, or use a newer kernel or RBD_MAPPER=fuse"))
        }
        let why = seen.wantedMapper == nil ? "auto chooses \(chosen)" : "RBD_MAPPER=\(chosen) works"
        let others = seen.wantedMapper == nil && !passed.isEmpty ? " (\(passed.joined(separator: "; ")))" : ""
        return CheckResult(.mapper, "", "Linux \(seen.kernel): \(why)\(others)", findings)
    }

    // MARK: Tools and space

    private static func filesystems(_ seen: NodeSeen) -> CheckResult {
        let findings = seen.filesystems.filter { !$0.missing.isEmpty }.map { filesystem in
            Finding(
                filesystem.name == seen.defaultFilesystem ? .noDefaultFilesystem : .filesystemToolMissing,
                "\(filesystem.name) lacks \(filesystem.missing.joined(separator: ", "))",
                remedy: "install the package that is named, on every node")
        }
        let whole = seen.filesystems.filter(\.missing.isEmpty).map(\.name).joined(separator: ", ")
        return CheckResult(.filesystems, "", whole.isEmpty ? "" : "the tools of \(whole) are there", findings)
    }

    private static func scratch(_ seen: NodeSeen) -> CheckResult {
        guard let free = seen.scratchFree else {
            return .unknown(.scratch, because: "\(seen.scratchFolder) cannot be looked at")
        }
        let summary = "\(Bytes.text(free)) free at \(seen.scratchFolder)"
        guard free < leastScratch else { return CheckResult(.scratch, "", summary) }
        return CheckResult(
            .scratch, "", summary,
            [
                Finding(
                    .littleScratch, "only \(Bytes.text(free)) are free at \(seen.scratchFolder)",
                    remedy: "make room there, or set RBD_STATE_DIR to a folder with 1 GiB or more")
            ])
    }

    private static func limits(_ seen: NodeSeen) -> CheckResult {
        switch seen.controlGroups {
        case .unknown(let why): return .unknown(.limits, because: why)
        case .legacy: return CheckResult(.limits, "", "cgroup v1 with blkio")
        case .unified(let controllers):
            let missing = ["io", "memory"].filter { !controllers.contains($0) }
            guard !missing.isEmpty else { return CheckResult(.limits, "", "cgroup v2 with io and memory") }
            return CheckResult(
                .limits, "", "cgroup v2",
                [
                    Finding(
                        .noLimits, "cgroup v2 has no controller \(missing.joined(separator: " and no "))",
                        remedy: "boot the kernel without cgroup_disable, and with CONFIG_BLK_CGROUP and CONFIG_MEMCG")
                ])
        }
    }

    // MARK: The kernel's client and the cluster

    /// What the cluster asks of the kernel's own client; nothing where images are mapped without it.
    public static func kernelClient(_ node: NodeSeen, _ ceph: CephSeen, speaksFirstProtocol: Bool) -> CheckResult {
        guard case .connected = ceph.connection else { return .unknown(.kernelClient, because: "Ceph does not answer") }
        guard node.chosenMapper == "krbd" else {
            return CheckResult(.kernelClient, "", "not used: images are mapped by \(node.chosenMapper ?? "nothing")")
        }
        var findings: [Finding] = []
        if let version = node.kernelVersion, version < (5, 11), !speaksFirstProtocol {
            findings.append(
                Finding(
                    .messengerV2, "no monitor speaks the first protocol, and Linux \(node.kernel) speaks no other",
                    remedy:
                        "let the monitors listen on port 6789 as well ('ceph mon set-addrs'), use Linux 5.11 or later, or "
                        + "RBD_MAPPER=fuse"))
        }
        guard case .read(let map) = ceph.map else {
            return findings.isEmpty
                ? .unknown(.kernelClient, because: "the map of the OSDs cannot be read")
                : CheckResult(.kernelClient, "", "", findings)
        }
        if map.upmapPrimaries > 0 {
            findings.append(
                Finding(
                    .upmapPrimary, "\(map.upmapPrimaries) placement groups have a primary set by pg-upmap-primary",
                    remedy:
                        "'ceph osd dump | grep pg_upmap_primary' lists them, 'ceph osd rm-pg-upmap-primary PGID' removes one; or "
                        + "RBD_MAPPER=fuse"))
        }
        let used = Set(ceph.places.map(\.pool))
        for pool in map.pools where pool.hasMultiStepRule && used.contains(pool.name) {
            findings.append(
                Finding(
                    .multiStepRule, "the CRUSH rule of pool \(pool.name) is an MSR rule",
                    remedy:
                        "give the pool another rule ('ceph osd pool set \(pool.name) crush_rule NAME'), or use RBD_MAPPER=fuse"
                ))
        }
        return CheckResult(
            .kernelClient, "",
            findings.isEmpty ? "nothing in the cluster's map that Linux \(node.kernel) is known to hang on" : "",
            findings)
    }
}

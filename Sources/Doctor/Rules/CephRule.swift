/// What is to be said of Ceph.
public enum CephRule {
    public static func results(_ seen: CephSeen) -> [CheckResult] {
        switch seen.connection {
        case .connected(let fsid):
            return [cluster(seen, fsid), health(seen), caps(seen)] + seen.monitors.map(monitor)
                + seen.places.map { PoolRule.result($0, seen) }
        case .refused(let why):
            return [
                CheckResult(
                    .ceph, "", "",
                    [
                        Finding(
                            .cephLogin, "Ceph refuses client.\(seen.user): \(why)",
                            remedy:
                                "compare RBD_CONF_KEYRING_KEY_FILE with 'ceph auth get-key client.\(seen.user)', and RBD_CONF_KEYRING_USER "
                                + "with 'ceph auth ls'")
                    ])
            ] + unseen
        case .unreachable(let why):
            return [
                CheckResult(
                    .ceph, "", "",
                    [
                        Finding(
                            .cephUnreachable, "the monitors do not answer: \(why)",
                            remedy:
                                "see 'ceph -s' on a monitor's host, and that this node reaches its ports 3300 and 6789")
                    ])
            ] + unseen
        }
    }

    private static var unseen: [CheckResult] {
        [.cephHealth, .caps].map { CheckResult.unknown($0, because: "Ceph does not answer this user") }
    }

    // MARK: The whole

    private static func cluster(_ seen: CephSeen, _ fsid: String) -> CheckResult {
        var findings: [Finding] = []
        var summary = "cluster \(fsid) answers client.\(seen.user)"
        if case .read(let map) = seen.map {
            findings += flags(map)
            if !map.requiredRelease.isEmpty { summary += ", release \(map.requiredRelease)" }
            if !map.oldestClient.isEmpty { summary += ", for clients from \(map.oldestClient) on" }
        }
        return CheckResult(.ceph, "", summary, findings)
    }

    private static func flags(_ map: CephSeen.OSDMap) -> [Finding] {
        var findings: [Finding] = []
        if map.flags.contains("full") {
            findings.append(
                Finding(
                    .cephFull, "the cluster is full",
                    remedy: "add OSDs or delete data; 'ceph df' and 'ceph osd df' show where the space has gone"))
        }
        let paused = map.flags.filter { $0.hasPrefix("pause") }.sorted()
        if !paused.isEmpty {
            findings.append(
                Finding(
                    .cephPaused, "the cluster is paused (\(paused.joined(separator: ", ")))",
                    remedy: "'ceph osd unpause', when nobody needs the pause any more"))
        }
        return findings
    }

    // MARK: Health

    private static func health(_ seen: CephSeen) -> CheckResult {
        guard let checks = seen.health else {
            return .unknown(.cephHealth, because: "the monitors do not tell this user")
        }
        return CheckResult(
            .cephHealth, "", checks.isEmpty ? "HEALTH_OK" : "",
            checks.map { check in
                Finding(
                    check.isError ? .cephHealthError : .cephHealthWarning, "\(check.code): \(check.message)",
                    remedy: "'ceph health detail' says more about \(check.code)")
            })
    }

    private static func monitor(_ monitor: CephSeen.Monitor) -> CheckResult {
        guard !monitor.isReached else { return CheckResult(.monitor, monitor.address, "reached") }
        return CheckResult(
            .monitor, monitor.address, "",
            [
                Finding(
                    .monitorUnreachable, "this node cannot connect to \(monitor.address)",
                    remedy:
                        "see 'ceph mon stat', whether the monitor runs on its host, and whether a firewall is in between"
                )
            ])
    }

    // MARK: Caps

    private static func caps(_ seen: CephSeen) -> CheckResult {
        let set =
            "'ceph auth caps client.\(seen.user) mon \"profile rbd, allow command \\\"osd blocklist\\\"\" osd \"profile rbd "
            + "pool=POOL\"' with all pools in use"
        var findings: [Finding] = []
        if seen.map == .denied {
            findings.append(
                Finding(.capMonitors, "client.\(seen.user) may not read the map of the OSDs", remedy: set))
        }
        if seen.blocklistAdd == .denied {
            findings.append(
                Finding(.capBlocklist, "client.\(seen.user) may not put clients on the blocklist", remedy: set))
        }
        if seen.blocklistRemove == .denied, seen.blocklistAdd != .denied {
            findings.append(
                Finding(
                    .capBlocklistRemove, "client.\(seen.user) may not take clients off the blocklist",
                    remedy: set + ", or remove such entries by hand: 'ceph osd blocklist rm ADDRESS'"))
        }
        let unknown = [seen.blocklistAdd, seen.blocklistRemove].compactMap(\.reason)
        if findings.isEmpty, let reason = unknown.first { return .unknown(.caps, because: reason) }
        return CheckResult(
            .caps, "", findings.isEmpty ? "client.\(seen.user) may read maps and shut clients out" : "", findings)
    }
}

extension CephSeen.Trial {
    /// Why it is not known.
    var reason: String? { if case .unknown(let reason) = self { reason } else { nil } }
}

/// What is to be said of the records, and of what Ceph has of them.
public enum RecordsRule {
    /// A volume with this many snapshots is a finding. The plugin takes no more than 450 by schedule, and the kernel maps 510.
    public static let manySnapshots = 400
    /// How many findings of one kind are shown one by one.
    static let most = 20

    public static func results(_ seen: RecordsSeen) -> [CheckResult] {
        [nodeName(seen), cluster(seen), records(seen), nodes(seen)]
    }

    private static func nodeName(_ seen: RecordsSeen) -> CheckResult {
        switch seen.nodeName {
        case .free: return CheckResult(.nodeName, "", "\(seen.node) is free")
        case .mine: return CheckResult(.nodeName, "", "\(seen.node) is this host's, and its plugin is alive")
        case .expiring(let boot):
            return CheckResult(.nodeName, "", "\(seen.node) was boot \(boot)'s, which is about to be forgotten")
        case .taken(let boot, let since):
            return CheckResult(
                .nodeName, "", "",
                [
                    Finding(
                        .nodeNameTaken,
                        "another boot, \(boot), uses the node name \(seen.node) since \(since), and is alive",
                        remedy:
                            "set NODE_NAME on one of the two hosts. If this host was started anew a moment ago, run doctor again when "
                            + "NODE_TTL has passed")
                ])
        }
    }

    private static func cluster(_ seen: RecordsSeen) -> CheckResult {
        switch seen.cluster {
        case .mine: return CheckResult(.cluster, "", "the records are of this Ceph cluster")
        case .unclaimed: return CheckResult(.cluster, "", "no cluster has used the prefix yet")
        case .unknown(let why): return .unknown(.cluster, because: why)
        case .other(let recorded, let mine):
            return CheckResult(
                .cluster, "", "",
                [
                    Finding(
                        .foreignPrefix,
                        "the records belong to the Ceph cluster \(recorded), and the settings name \(mine)",
                        remedy:
                            "give the plugins of each cluster an ETCD_PREFIX of their own, or correct RBD_CONF_GLOBAL_MON_HOST"
                    )
                ])
        }
    }

    private static func records(_ seen: RecordsSeen) -> CheckResult {
        let findings = seen.unreadable.prefix(most).map { key in
            Finding(
                .recordUnreadable, "the key \(key.key) cannot be read: \(key.reason)",
                remedy:
                    "look at 'etcdctl get \(key.key)'; put back what a backup has of it, or delete it if nobody needs it"
            )
        }
        return CheckResult(
            .records, "",
            "\(seen.volumes) volumes, \(seen.mounted) mounted\(cut(seen.unreadable.count, "unreadable keys"))",
            Array(findings))
    }

    private static func nodes(_ seen: RecordsSeen) -> CheckResult {
        let findings = seen.deadNodes.prefix(most).map { dead in
            Finding(
                .deadNodeHolds, "node \(dead.node) is dead and has \(few(dead.volumes))",
                remedy:
                    "bring the node back, or start their containers elsewhere; 'rbd-plugin mount release VOLUME' takes one by hand"
            )
        }
        return CheckResult(
            .nodes, "", "\(seen.livingNodes) alive\(cut(seen.deadNodes.count, "dead nodes"))", Array(findings))
    }

    // MARK: Ceph

    public static func results(_ seen: ImagesSeen) -> [CheckResult] { [images(seen), snapshots(seen)] }

    private static func images(_ seen: ImagesSeen) -> CheckResult {
        let missing = seen.missing.prefix(most).map { volume in
            Finding(
                .imageMissing, "volume \(volume.name) has no image \(volume.image)",
                remedy:
                    "look in 'rbd trash ls' and 'rbd ls' for it ('rbd rename' gives the name back); if it is gone for good: "
                    + "'rbd-plugin volume forget \(volume.name)'")
        }
        let unfinished = seen.unfinished.prefix(most).map { image in
            Finding(
                .unfinishedImage, "\(image) is an unfinished image of no volume",
                remedy:
                    "wait an hour for a running plugin to remove it; by hand: 'rbd status \(image)' must show no watcher, then "
                    + "'rbd rm \(image)'")
        }
        let findings = missing + unfinished
        if findings.isEmpty, let place = seen.unlisted.first {
            return .unknown(.images, because: "the images of \(place) could not be listed")
        }
        let summary =
            "\(seen.places) pools and namespaces listed" + cut(seen.missing.count, "missing images")
            + cut(seen.unfinished.count, "unfinished images")
        return CheckResult(.images, "", summary, findings)
    }

    private static func snapshots(_ seen: ImagesSeen) -> CheckResult {
        let findings = seen.snapshots.filter { $0.count >= manySnapshots }.prefix(most).map { volume in
            Finding(
                .manySnapshots, "volume \(volume.volume) has \(volume.count) snapshots",
                remedy:
                    "'rbd-plugin snapshot rm \(volume.volume) SNAPSHOT', or keep fewer: 'rbd-plugin volume set \(volume.volume) "
                    + "snapshots.keep=…'")
        }
        let all = seen.looks == seen.volumes ? "" : ": the others were not looked at"
        return CheckResult(
            .snapshots, "", "counted of \(seen.looks) of \(seen.volumes) volumes\(all)", Array(findings))
    }

    public static func result(_ seen: BlocklistSeen) -> CheckResult {
        let clients = seen.clients.prefix(most).map { client in
            Finding(
                .clientBlocklisted, "the client \(client.address) of volume \(client.volume) here is on the blocklist",
                remedy:
                    "stop the containers of \(client.volume) on this node; the plugin then unmaps it, and the next mount gets another "
                    + "client")
        }
        let hosts = seen.hosts.prefix(most).map { entry in
            Finding(
                .hostBlocklisted, "the blocklist has this host itself: \(entry)",
                remedy:
                    "find out who set it and why, then 'ceph osd blocklist rm \(entry)' or 'ceph osd blocklist range rm \(entry)'"
            )
        }
        let rest =
            seen.others == 0
            ? "no entry of this host" : "\(seen.others) entries of clients of this host that have ended"
        return CheckResult(.blocklist, "", rest, hosts + clients)
    }

    // MARK: Words

    private static func cut(_ count: Int, _ what: String) -> String {
        count > most ? "; the first \(most) of \(count) \(what) are shown" : ""
    }

    private static func few(_ names: [String]) -> String {
        let shown = names.prefix(5).joined(separator: ", ")
        return names.count > 5
            ? "\(shown) and \(names.count - 5) more volumes" : "\(names.count == 1 ? "volume" : "volumes") \(shown)"
    }
}

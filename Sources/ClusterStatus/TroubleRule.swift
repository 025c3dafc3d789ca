import VolumeCore

/// What is wrong, by what was seen.
enum TroubleRule {
    /// A Create takes seconds. Docker gives up on it before this.
    private static let longestCreate = Duration.seconds(600)
    /// More volumes are counted, and not named.
    private static let mostNamed = 8

    static func troubles(_ seen: StatusSeen) -> [Trouble] {
        guard let records = seen.records else { return backends(seen) }
        let living = Set(records.living.map(\.identity))
        return backends(seen) + cluster(seen, records) + nodes(records, living)
            + records.unreadable.map {
                Trouble(
                    .unreadable, of: $0.key, "the key cannot be read: \($0.reason)",
                    remedy: "docs/operations.md, \"What etcd holds\", says how to repair it with etcdctl")
            }
            + records.volumes.flatMap { volume($0, living, seen.now) }
    }

    private static func backends(_ seen: StatusSeen) -> [Trouble] {
        var troubles: [Trouble] = []
        if case .silent(let reason) = seen.etcd {
            troubles.append(
                Trouble(
                    .etcdSilent, "etcd does not answer: \(reason)",
                    remedy: "'rbd-plugin doctor' asks each member; until etcd answers, nothing can be mounted"))
        }
        if case .silent(let reason) = seen.ceph {
            troubles.append(
                Trouble(
                    .cephSilent, "Ceph does not answer: \(reason)",
                    remedy: "'rbd-plugin doctor' asks each monitor; 'ceph -s' shows what Ceph says"))
        }
        return troubles
            + seen.cephErrors.map {
                Trouble(.cephError, "Ceph reports an error: \($0)", remedy: "'ceph health detail' says more")
            }
    }

    private static func cluster(_ seen: StatusSeen, _ records: StatusSeen.Records) -> [Trouble] {
        guard let recorded = records.fsid, let mine = seen.fsid, recorded != mine else { return [] }
        return [
            Trouble(
                .otherCluster, "the records belong to the Ceph cluster \(recorded), and the settings name \(mine)",
                remedy: "give this plugin an ETCD_PREFIX of its own, or the settings of that cluster")
        ]
    }

    // MARK: Nodes

    private static func nodes(_ records: StatusSeen.Records, _ living: Set<NodeIdentity>) -> [Trouble] {
        var troubles: [Trouble] = []
        if living.isEmpty, !records.volumes.isEmpty {
            troubles.append(
                Trouble(
                    .noNode, "no node has a heartbeat: no plugin runs, or none reaches etcd",
                    remedy:
                        "'docker plugin ls' on a node shows whether it is enabled, 'rbd-plugin doctor' what it lacks"))
        }
        // What a dead reader has left is in nobody's way.
        let held = Dictionary(grouping: records.volumes.filter { $0.attachment != nil }) {
            $0.attachment?.record.owner ?? NodeIdentity(node: "", boot: "")
        }
        for (owner, volumes) in held.sorted(by: { ($0.key.node, $0.key.boot) < ($1.key.node, $1.key.boot) })
        where !living.contains(owner) {
            troubles.append(dead(owner, volumes, isBack: living.contains { $0.node == owner.node }))
        }
        return troubles
    }

    private static func dead(_ owner: NodeIdentity, _ volumes: [StoredVolume], isBack: Bool) -> Trouble {
        let names = volumes.map(shown).sorted()
        let rest = names.count > mostNamed ? " and \(names.count - mostNamed) more" : ""
        let held = "\(count(names.count, "volume")): \(names.prefix(mostNamed).joined(separator: ", "))\(rest)"
        if isBack {
            return Trouble(
                .formerBoot, of: owner.node, "node \(owner.node) has restarted, and has not given back \(held)",
                remedy:
                    "its plugin does that as it starts; if it lasts, its log says why, and 'rbd-plugin doctor' there")
        }
        return Trouble(
            .deadNode, of: owner.node, "node \(owner.node) has no heartbeat, and has \(held)",
            remedy: "another node that mounts a volume shuts that node out and takes the volume over; "
                + "'rbd-plugin mount release VOLUME' does so now")
    }

    // MARK: Volumes

    private static func volume(_ stored: StoredVolume, _ living: Set<NodeIdentity>, _ now: WallTime) -> [Trouble] {
        let name = shown(stored)
        var troubles: [Trouble] = []
        if let volume = stored.volume?.record {
            if volume.phase == .creating, isLate(volume, living, now) {
                troubles.append(
                    Trouble(
                        .unfinishedCreate, of: name, "volume \(name) is unfinished since \(volume.createdAt)",
                        remedy:
                            "'docker volume create' with the same options finishes it, 'docker volume rm \(name)' removes it"
                    ))
            }
        } else if !stored.allMounts.isEmpty {
            troubles.append(
                Trouble(
                    .mountWithoutVolume, of: name,
                    "\(name) is recorded as mounted, and there is no volume of that name",
                    remedy:
                        "'rbd-plugin volume inspect \(name)' shows the record; docs/operations.md says how to repair it"
                ))
        }
        if let request = stored.request?.record { troubles += self.request(request, name) }
        return troubles + stored.allMounts.flatMap { mount($0, name) }
    }

    /// Whether nobody is at a Create any more.
    private static func isLate(_ volume: VolumeRecord, _ living: Set<NodeIdentity>, _ now: WallTime) -> Bool {
        if let node = volume.attempt?.by, !living.contains(node) { return true }
        return WallTime(volume.createdAt).map { now - $0 > longestCreate } ?? true
    }

    private static func request(_ request: WorkRequest, _ name: String) -> [Trouble] {
        guard request.state == .failed else { return [] }
        let reason = request.result.map { ": \($0)" } ?? ""
        if request.isHalfDone {
            return [
                Trouble(
                    .halfDone, of: name, "volume \(name) is half \(request.work), and cannot be mounted\(reason)",
                    remedy: "'rbd-plugin snapshot rollback \(name) SNAPSHOT' again")
            ]
        }
        return [
            Trouble(
                .requestFailed, of: name, "volume \(name) was not \(request.work)\(reason)",
                remedy: "ask again once the reason is gone; 'rbd-plugin request rm \(name)' clears this away")
        ]
    }

    private static func mount(_ mount: Attachment, _ name: String) -> [Trouble] {
        var troubles: [Trouble] = []
        if let reason = mount.growthReason {
            troubles.append(
                Trouble(
                    .notGrown, of: name, "volume \(name) does not have the size that is wanted of it: \(reason)",
                    remedy:
                        "node \(mount.owner.node) goes on trying; 'rbd-plugin volume inspect \(name)' shows the size"))
        }
        if let reason = mount.autogrowReason {
            troubles.append(
                Trouble(
                    .notGrown, of: name, "volume \(name) is full, and does not grow by itself: \(reason)",
                    remedy: "make room, or 'rbd-plugin volume set \(name) autogrow.max=SIZE'"))
        }
        if let reason = mount.inForce.reason {
            troubles.append(
                Trouble(
                    .valuesNotInForce, of: name, "volume \(name) does not have all of its values: \(reason)",
                    remedy: "'rbd-plugin volume get \(name)' shows what is wanted and what is in force"))
        }
        return troubles
    }

    static func shown(_ stored: StoredVolume) -> String { stored.volume?.record.name.given ?? stored.name.text }

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}

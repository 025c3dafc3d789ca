import Doctor

/// For each finding a node on which that one thing is wrong, and a word that the finding has to name.
enum Planted {
    static func scene(of code: FindingCode) -> (seen: Seen, names: String) {
        let well = Seen()
        return switch code {
        case .settingUnusable:
            (
                well.with {
                    $0.settings.problems = [
                        .init(
                            name: "RBD_MAPPER", sentence: "RBD_MAPPER is \"floppy\": it must be one of krbd.",
                            isFile: false)
                    ]
                }, "RBD_MAPPER"
            )
        case .fileUnusable:
            (
                well.with {
                    $0.settings.problems = [
                        .init(name: "ETCD_CA", sentence: "ETCD_CA is \"/ca\": no such file", isFile: true)
                    ]
                }, "/ca"
            )
        case .settingDoubtful: (well.with { $0.settings.warnings = ["RBD_POOL is not a setting."] }, "RBD_POOL")
        case .secretInEnvironment: (well.with { $0.settings.secrets = ["ETCD_PASSWORD"] }, "ETCD_PASSWORD")
        case .cephConfMissing:
            (
                well.with { $0.settings.missingCephConf = .init(path: "/etc/ceph/x.conf", reason: "gone") },
                "/etc/ceph/x.conf"
            )
        case .etcdUnreachable:
            (well.with { $0.etcd.members[1].outcome = .fails(.unreachable, "refused") }, "https://e2:2379")
        case .etcdTLS: (well.with { $0.etcd.members[0].outcome = .fails(.tls, "expired") }, "https://e1:2379")
        case .etcdOld:
            (
                well.with { seen in
                    for index in 0..<2 {
                        var answer = Seen.answer
                        answer.version = "3.3.27"
                        seen.etcd.members[index].outcome = .answers(answer)
                    }
                    seen.etcd.members.removeLast()
                }, "3.3.27"
            )
        case .etcdNoLeader: (well.withMember { $0.hasLeader = false }, "https://e1:2379")
        case .etcdFull: (well.withMember { $0.alarms = [.noSpace] }, "NOSPACE")
        case .etcdCorrupt: (well.withMember { $0.alarms = [.corrupt] }, "CORRUPT")
        case .etcdNearlyFull: (well.withMember { $0.databaseBytes = 1_900 << 20 }, "1.9 GiB")
        case .etcdUnwell: (well.withMember { $0.ailment = "RAFT NO LEADER" }, "RAFT NO LEADER")
        case .etcdSplit: (well.withMember { $0.clusterID = 8 }, "2 clusters")
        case .etcdVersionsDiffer: (well.withMember { $0.version = "3.4.30" }, "3.4.30, 3.5.9")
        case .etcdLogin: (well.with { $0.etcd.access = .loginRefused("invalid password") }, "docker")
        case .etcdNoRead: (well.with { $0.etcd.access = .noRead("permission denied") }, "docker")
        case .etcdNoWrite: (well.with { $0.etcd.access = .noWrite(keys: ["docker/volume/rbd/mounts/"]) }, "mounts/")
        case .clockSkew: (well.withMember { $0.clockAhead = -12.3 }, "12 s behind")
        case .cephUnreachable: (well.with { $0.ceph.connection = .unreachable("timed out") }, "timed out")
        case .cephLogin: (well.with { $0.ceph.connection = .refused("wrong key") }, "client.docker")
        case .monitorUnreachable: (well.with { $0.ceph.monitors[0].isReached = false }, "10.0.0.1:6789")
        case .cephFull: (well.withMap { $0.flags.insert("full") }, "full")
        case .cephPaused: (well.withMap { $0.flags.formUnion(["pausewr", "pauserd"]) }, "pauserd, pausewr")
        case .cephHealthError:
            (well.with { $0.ceph.health = [.init(code: "PG_DAMAGED", isError: true, message: "1 pg")] }, "PG_DAMAGED")
        case .cephHealthWarning:
            (
                well.with { $0.ceph.health = [.init(code: "OSD_DOWN", isError: false, message: "1 osds down")] },
                "OSD_DOWN"
            )
        case .capMonitors: (well.with { $0.ceph.map = .denied }, "client.docker")
        case .capBlocklist: (well.with { $0.ceph.blocklistAdd = .denied }, "client.docker")
        case .capBlocklistRemove: (well.with { $0.ceph.blocklistRemove = .denied }, "client.docker")
        case .capPoolRead: (well.with { $0.ceph.places[0].reading = .denied }, "rbd")
        case .capPoolWrite: (well.with { $0.ceph.places[0].writing = .denied }, "rbd")
        case .poolMissing: (well.with { $0.ceph.places[0].exists = false }, "rbd")
        case .poolNotForRBD: (well.withMap { $0.pools[0].applications = ["cephfs"] }, "rbd")
        case .poolFull: (well.withMap { $0.pools[0].flags = ["full", "full_quota"] }, "quota")
        case .poolNearlyFull: (well.withMap { $0.pools[0].flags = ["nearfull"] }, "rbd")
        case .poolSilent: (well.with { $0.ceph.places[0].silence = "timed out" }, "timed out")
        case .upmapPrimary: (well.withMap { $0.upmapPrimaries = 3 }, "3 placement groups")
        case .multiStepRule: (well.withMap { $0.pools[0].hasMultiStepRule = true }, "rbd")
        case .messengerV2:
            (
                well.with {
                    $0.node.kernel = "5.10.0"
                    $0.speaksFirstProtocol = false
                }, "5.10.0"
            )
        case .noMapper: (well.with { $0.node.mappers[0].lacks = ["the kernel has no rbd driver"] }, "no rbd driver")
        case .featureUnsupported: (well.with { $0.node.unsupportedFeatures = ["journaling"] }, "journaling")
        case .noDefaultFilesystem:
            (well.with { $0.node.filesystems[0].missing = ["mkfs.ext4 (package e2fsprogs)"] }, "e2fsprogs")
        case .filesystemToolMissing:
            (well.with { $0.node.filesystems[1].missing = ["mkfs.xfs (package xfsprogs)"] }, "xfsprogs")
        case .littleScratch: (well.with { $0.node.scratchFree = 300 << 20 }, "300 MiB")
        case .noLimits: (well.with { $0.node.controlGroups = .unified(controllers: ["cpu", "memory"]) }, "io")
        case .dockerSilent: (well.with { $0.docker = DockerSeen(engine: .silent("no answer")) }, "no answer")
        case .pluginDisabled: (well.with { $0.docker.plugins[0].isEnabled = false }, "wetopi/rbd:latest")
        case .pluginSilent: (well.with { $0.docker.sockets[0].state = .silent("no answer in 5 s") }, "5 s")
        case .pluginUnwell: (well.with { $0.docker.sockets[0].state = .unwell(["etcd: away"]) }, "etcd: away")
        case .nodeNameTaken: (well.with { $0.records.nodeName = .taken(boot: "b2", since: "noon") }, "b2")
        case .foreignPrefix: (well.with { $0.records.cluster = .other(recorded: "f2", mine: "f1") }, "f2")
        case .recordUnreadable:
            (well.with { $0.records.unreadable = [.init(key: "p/volumes/x", reason: "no JSON")] }, "p/volumes/x")
        case .deadNodeHolds: (well.with { $0.records.deadNodes = [.init(node: "n9", volumes: ["db"])] }, "n9")
        case .clientBlocklisted:
            (well.with { $0.blocklist.clients = [.init(volume: "db", address: "10.0.0.2:0/5")] }, "10.0.0.2:0/5")
        case .hostBlocklisted: (well.with { $0.blocklist.hosts = ["10.0.0.2:0/0"] }, "10.0.0.2:0/0")
        case .unfinishedImage:
            (well.with { $0.images.unfinished = ["rbd/rbd-plugin.creating.u.t"] }, "rbd/rbd-plugin.creating.u.t")
        case .imageMissing: (well.with { $0.images.missing = [.init(name: "db", image: "rbd/db")] }, "rbd/db")
        case .manySnapshots: (well.with { $0.images.snapshots = [.init(volume: "db", count: 480)] }, "480")
        }
    }
}

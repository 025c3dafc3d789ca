/// Everything that doctor knows to find. docs/troubleshooting.md shows the same table.
public enum FindingCode: String, Sendable, Hashable, CaseIterable, Encodable {
    case settingUnusable = "setting-unusable"
    case fileUnusable = "file-unusable"
    case settingDoubtful = "setting-doubtful"
    case secretInEnvironment = "secret-in-environment"
    case cephConfMissing = "ceph-conf-missing"

    case etcdUnreachable = "etcd-unreachable"
    case etcdTLS = "etcd-tls"
    case etcdOld = "etcd-old"
    case etcdNoLeader = "etcd-no-leader"
    case etcdFull = "etcd-full"
    case etcdCorrupt = "etcd-corrupt"
    case etcdNearlyFull = "etcd-nearly-full"
    case etcdUnwell = "etcd-unwell"
    case etcdSplit = "etcd-split"
    case etcdVersionsDiffer = "etcd-versions-differ"
    case etcdLogin = "etcd-login"
    case etcdNoRead = "etcd-no-read"
    case etcdNoWrite = "etcd-no-write"
    case clockSkew = "clock-skew"

    case cephUnreachable = "ceph-unreachable"
    case cephLogin = "ceph-login"
    case monitorUnreachable = "monitor-unreachable"
    case cephFull = "ceph-full"
    case cephPaused = "ceph-paused"
    case cephHealthError = "ceph-health-error"
    case cephHealthWarning = "ceph-health-warning"
    case capMonitors = "cap-monitors"
    case capBlocklist = "cap-blocklist"
    case capBlocklistRemove = "cap-blocklist-remove"
    case capPoolRead = "cap-pool-read"
    case capPoolWrite = "cap-pool-write"
    case poolMissing = "pool-missing"
    case poolNotForRBD = "pool-not-for-rbd"
    case poolFull = "pool-full"
    case poolNearlyFull = "pool-nearly-full"
    case poolSilent = "pool-silent"
    case upmapPrimary = "upmap-primary"
    case multiStepRule = "multi-step-rule"
    case messengerV2 = "messenger-v2"

    case noMapper = "no-mapper"
    case featureUnsupported = "feature-unsupported"
    case noDefaultFilesystem = "no-default-filesystem"
    case filesystemToolMissing = "filesystem-tool-missing"
    case littleScratch = "little-scratch"
    case noLimits = "no-limits"
    case dockerSilent = "docker-silent"
    case pluginDisabled = "plugin-disabled"
    case pluginSilent = "plugin-silent"
    case pluginUnwell = "plugin-unwell"

    case nodeNameTaken = "node-name-taken"
    case foreignPrefix = "foreign-prefix"
    case recordUnreadable = "record-unreadable"
    case deadNodeHolds = "dead-node-holds"
    case clientBlocklisted = "client-blocklisted"
    case hostBlocklisted = "host-blocklisted"
    case unfinishedImage = "unfinished-image"
    case imageMissing = "image-missing"
    case manySnapshots = "many-snapshots"
}

extension FindingCode {
    /// What such a finding makes of its check.
    public var verdict: Verdict {
        switch self {
        case .settingDoubtful, .secretInEnvironment, .etcdNearlyFull, .etcdVersionsDiffer, .clockSkew,
            .monitorUnreachable, .cephHealthWarning, .capBlocklistRemove, .poolNotForRBD,
            .poolNearlyFull, .filesystemToolMissing, .littleScratch, .noLimits, .dockerSilent, .deadNodeHolds,
            .unfinishedImage,
            .manySnapshots:
            .warning
        default: .fault
        }
    }

    /// Why it matters: what breaks, or will. One or two sentences.
    public var why: String {
        switch self {
        case .settingUnusable: "The plugin does not start with it."
        case .fileUnusable: "The plugin does not start without it."
        case .settingDoubtful: "It is probably a mistake: the plugin starts, and does something else than was meant."
        case .secretInEnvironment:
            "Anyone who may run `docker plugin inspect` can read it, and it stays in shells' histories and unit files."
        case .cephConfMissing: "The plugin does not know where the monitors are: no volume can be created or mounted."
        case .etcdUnreachable:
            "While no member answers, nothing can be created, mounted or removed. While one is away, the others have to do."
        case .etcdTLS: "The plugin does not speak to a server that it cannot trust, or that does not trust it."
        case .etcdOld: "The plugin needs the JSON gateway of etcd 3.4 or later."
        case .etcdNoLeader: "Without a leader etcd takes no write: nothing can be created, mounted or removed."
        case .etcdFull:
            "etcd takes no more writes: nothing can be created or mounted, and nodes look dead as their heartbeats fail."
        case .etcdCorrupt: "A member's data differs from the others': what it answers about volumes may be wrong."
        case .etcdNearlyFull: "When the quota is used up, etcd takes no more writes, and all nodes look dead."
        case .etcdUnwell: "The member says itself that it cannot serve."
        case .etcdSplit:
            "The endpoints belong to several clusters: nodes would see different records, and could use one volume at a time."
        case .etcdVersionsDiffer:
            "An upgrade of etcd has not come to its end. Its members should soon have one version."
        case .etcdLogin: "etcd refuses every call of the plugin."
        case .etcdNoRead: "The plugin cannot see its records: it answers no call of Docker."
        case .etcdNoWrite:
            "The plugin cannot record anything: volumes cannot be created, mounted, unmounted or removed."
        case .clockSkew:
            "Schedules of snapshots, terms of the trash and times in records are those of the nodes' clocks."
        case .cephUnreachable: "Nothing can be created, mounted or removed."
        case .cephLogin: "The monitors refuse the plugin: nothing can be created, mounted or removed."
        case .monitorUnreachable: "The others have to do. When they go away as well, nothing works any more."
        case .cephFull: "Ceph takes no more writes: I/O of all volumes hangs."
        case .cephPaused: "I/O of all volumes hangs as long as the flag is set."
        case .cephHealthError: "Ceph reports an error, which can concern the data or the I/O of volumes."
        case .cephHealthWarning: "Ceph works, and asks for attention."
        case .capMonitors: "The plugin cannot read the map of the OSDs or the blocklist: no take-over, no mount."
        case .capBlocklist:
            "The plugin cannot shut a dead or frozen node out: its volumes cannot be mounted on any other node."
        case .capBlocklistRemove: "The entries of nodes that have let go stay on the blocklist for good."
        case .capPoolRead: "Volumes of the pool cannot be seen, created or mounted."
        case .capPoolWrite: "Volumes of the pool cannot be created, and what is mounted cannot be written to."
        case .poolMissing: "Volumes of the pool cannot be created or mounted."
        case .poolNotForRBD: "Ceph warns of such a pool, and `profile rbd` by application tags does not include it."
        case .poolFull: "Ceph takes no more writes in the pool: I/O of its volumes hangs or fails."
        case .poolNearlyFull: "When the pool is full, I/O of its volumes hangs or fails."
        case .poolSilent: "OSDs of the pool do not answer: calls on its volumes hang until their time is up."
        case .upmapPrimary:
            "The kernel's client does not know `pg-upmap-primary`: its requests to such placement groups hang."
        case .multiStepRule: "The kernel's client does not know MSR rules: its requests to pools with such a rule hang."
        case .messengerV2:
            "Kernels before 5.11 speak the first protocol only, and no monitor does: nothing can be mapped."
        case .noMapper: "No image can be made a device: no volume can be mounted on this node."
        case .featureUnsupported: "New volumes get features with which this node cannot map them."
        case .noDefaultFilesystem: "Volumes whose options name no filesystem cannot be created on this node."
        case .filesystemToolMissing:
            "Volumes with that filesystem cannot be created, checked or made larger on this node."
        case .littleScratch: "A new filesystem is made in scratch files first: large volumes are made the slower way."
        case .noLimits: "Limits of reads and writes cannot be set on this node: volumes with limits say so."
        case .dockerSilent: "Docker's own calls to the plugin may hang as well."
        case .pluginDisabled: "Docker does not start it: containers with its volumes do not start on this node."
        case .pluginSilent: "Docker waits for each call until its time is up."
        case .pluginUnwell: "The running plugin says itself that something is wrong."
        case .nodeNameTaken:
            "Two hosts under one name would take each other's mounts for their own. The plugin refuses to work."
        case .foreignPrefix:
            "The records below the prefix are another Ceph cluster's. The plugin refuses to work with them."
        case .recordUnreadable:
            "The plugin leaves the volume out: it is not listed, and cannot be mounted, created or removed."
        case .deadNodeHolds:
            "The volumes stay that node's until another node mounts them, which shuts the dead one out first."
        case .clientBlocklisted: "All I/O of that volume fails on this node."
        case .hostBlocklisted:
            "Ceph refuses every client of this host: nothing can be mapped, and mounted volumes fail."
        case .unfinishedImage:
            "It takes up space. It holds nobody's data; the plugins remove it when they have seen it for an hour."
        case .imageMissing: "The volume cannot be mounted: its data is gone, or the image has another name."
        case .manySnapshots:
            "The kernel maps no image with more than 510 snapshots, and every one makes opening it slower."
        }
    }

    /// The table that docs/troubleshooting.md shows.
    public static var markdownTable: String {
        let rows = allCases.map { "| `\($0.rawValue)` | \($0.verdict.rawValue) | \($0.why) |" }
        return (["| Finding | Verdict | Why it matters |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}

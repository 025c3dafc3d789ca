import Doctor

/// What a node shows on which nothing is wrong, for tests to change.
struct Seen {
    var settings = SettingsSeen(given: 5)
    var etcd = EtcdSeen(
        members: [
            .init(endpoint: "https://e1:2379", .answers(answer)), .init(endpoint: "https://e2:2379", .answers(answer)),
        ], access: .full, user: "docker", prefix: "docker/volume/rbd/")
    var ceph = CephSeen(
        user: "docker", connection: .connected(fsid: "f1"),
        monitors: [.init(address: "10.0.0.1:6789", isReached: true)],
        map: .read(map), health: [], blocklistAdd: .allowed, blocklistRemove: .allowed,
        places: [.init(pool: "rbd", exists: true, reading: .allowed, writing: .allowed)])
    var node = NodeSeen(
        kernel: "6.1.0-18-amd64",
        mappers: [.init(kind: "krbd", lacks: []), .init(kind: "fuse", lacks: ["no /dev/fuse"])],
        unsupportedFeatures: [], filesystems: [.init(name: "ext4", missing: []), .init(name: "xfs", missing: [])],
        scratchFolder: "/run/rbd", scratchFree: 4 << 30, controlGroups: .unified(controllers: ["cpu", "io", "memory"]))
    var speaksFirstProtocol = true
    var docker = DockerSeen(
        engine: .answers(version: "29.0"), plugins: [.init(name: "wetopi/rbd:latest", isEnabled: true)],
        sockets: [.init(path: "/run/docker/plugins/rbd.sock", state: .healthy)])
    var records = RecordsSeen(node: "n1", nodeName: .mine, cluster: .mine, volumes: 3, mounted: 1, livingNodes: 1)
    var images = ImagesSeen(places: 1, looks: 3, volumes: 3)
    var blocklist = BlocklistSeen()

    static let answer = EtcdSeen.Answer(
        version: "3.5.9", clusterID: 7, hasLeader: true, databaseBytes: 100 << 20, quotaBytes: 2 << 30, clockAhead: 0.4)
    static let map = CephSeen.OSDMap(
        flags: ["sortbitwise"], requiredRelease: "reef", oldestClient: "mimic",
        pools: [.init(name: "rbd"), .init(name: "other")])

    var results: [CheckResult] {
        [SettingsRule.result(settings)] + EtcdRule.results(etcd) + CephRule.results(ceph) + NodeRule.results(node)
            + [NodeRule.kernelClient(node, ceph, speaksFirstProtocol: speaksFirstProtocol)]
            + DockerRule.results(docker) + RecordsRule.results(records) + RecordsRule.results(images)
            + [RecordsRule.result(blocklist)]
    }

    var codes: [FindingCode] { results.flatMap(\.findings).map(\.code) }

    /// The same with one change.
    func with(_ change: (inout Seen) -> Void) -> Seen {
        var seen = self
        change(&seen)
        return seen
    }

    /// The same with the first etcd member's answer changed.
    func withMember(_ change: (inout EtcdSeen.Answer) -> Void) -> Seen {
        var answer = Self.answer
        change(&answer)
        return with { $0.etcd.members[0].outcome = .answers(answer) }
    }

    /// The same with Ceph's map changed.
    func withMap(_ change: (inout CephSeen.OSDMap) -> Void) -> Seen {
        var map = Self.map
        change(&map)
        return with { $0.ceph.map = .read(map) }
    }
}

import VolumeCore

/// Records in which every field says something.
enum ContractRecords {
    static let node = NodeIdentity(node: "node-a", boot: "7b1c5f4e-5f0a-4d3c-9f3e-0a1b2c3d4e5f")

    static func volume(_ name: VolumeName, epoch: Epoch = .none) -> VolumeRecord {
        var spec = VolumeSpec(
            pool: "rbd", namespace: "team", dataPool: "slow", size: .gibibytes(10), order: 23,
            features: [.layering, .exclusiveLock], stripeUnit: 64 << 10, stripeCount: 4, filesystem: .xfs,
            mkfsOptions: ["-m", "reflink=1"],
            mountOptions: ["noatime", "discard"], mapOptions: ["queue_depth=128"], uid: 999, gid: 0, mode: 0o2750)
        spec.size = VolumeSize(bytes: (10 << 30) + (1 << 20))
        return VolumeRecord(
            name: name, uid: "uid-1", phase: .creating, spec: spec,
            options: ["pool": "rbd", "mkfs-options": "-m reflink=1", "odd \"key\"": "höh/é\n"],
            createdAt: "2026-01-02T03:04:05Z", imageID: "10226b8b4567", origin: .adopted,
            attempt: .init(by: node, token: "t0ken"), epoch: epoch)
    }

    static func attachment(epoch: Epoch) -> Attachment {
        let clients = ["10.0.0.1:0/4147483647", "[fd00::1]:0/55"].compactMap { ClientAddress($0) }
        return Attachment(
            volumeUID: "uid-1", owner: node, epoch: epoch, state: .fencing, mapper: "krbd", device: "/dev/rbd0",
            clients: clients, mountpoint: "/mnt/volumes/db", mountIDs: ["id-1": 2, "id/2": 1],
            since: "2026-01-02T03:04:06Z",
            fenced: .init(
                owner: NodeIdentity(node: "node-b", boot: "boot-b"), epoch: Epoch(7), clients: clients,
                mayBeIncomplete: true),
            wantedBy: NodeIdentity(node: "node-c", boot: "boot-c"))
    }
}

extension ContractRecords {
    static func readers(on nodes: [String]) -> Readers {
        var readers = Readers(volumeUID: "uid-1")
        for node in nodes {
            readers[node] = Attachment(
                volumeUID: "uid-1", owner: NodeIdentity(node: node, boot: "boot-\(node)"), epoch: Epoch(1),
                state: .attached, mapper: "fuse", device: "/dev/loop3", mountpoint: "/mnt/volumes/db",
                mountIDs: ["id-1": 2], since: "2026-01-02T03:04:06Z")
        }
        return readers
    }
}

extension StoredVolume {
    /// A name that nobody uses.
    static func absent(_ name: VolumeName) -> StoredVolume { StoredVolume(name: name, revision: 0) }

    /// The records without the moment at which they were read, for comparing.
    var records: StoredVolume {
        var records = StoredVolume(name: name, volume: volume, attachment: attachment, revision: 0)
        records.readers = readers
        return records
    }
}

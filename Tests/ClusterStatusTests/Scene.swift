import ClusterStatus
import VolumeCore

/// A cluster of two nodes where all is well, to change one thing of.
struct Scene {
    static let now = WallTime(seconds: 1_800_000_000)
    static let first = NodeIdentity(node: "n1", boot: "boot-1")
    static let second = NodeIdentity(node: "n2", boot: "boot-2")

    var seen = StatusSeen(
        now: now, etcd: .answers(detail: "http://e1:2379"),
        records: StatusSeen.Records(
            volumes: [],
            living: [first, second].map { .init(identity: $0, since: "2027-01-01T00:00:00Z", version: "5") },
            fsid: "f1"),
        ceph: .answers(detail: "healthy"), fsid: "f1")

    var status: ClusterStatus { ClusterStatus(seen) }
    var codes: [Trouble.Code] { status.troubles.map(\.code) }

    /// A volume that is made, with what `change` makes of its records.
    mutating func add(_ name: String, _ change: (inout StoredVolume) throws -> Void = { _ in }) throws {
        let name = try VolumeName(name)
        let record = VolumeRecord(
            name: name, uid: "u-\(name.text)", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:],
            createdAt: "\(Self.now)")
        var stored = StoredVolume(name: name, volume: Revisioned(record, revision: 1), revision: 9)
        try change(&stored)
        seen.records?.volumes.append(stored)
    }

    static func mount(
        by owner: NodeIdentity, _ state: Attachment.State = .attached, _ change: (inout Attachment) -> Void = { _ in }
    ) -> Revisioned<Attachment> {
        var mount = Attachment(
            volumeUID: "u", owner: owner, epoch: .none, state: state, since: "2027-01-01T00:00:00Z")
        change(&mount)
        return Revisioned(mount, revision: 2)
    }

    static func request(
        _ work: RequestedWork, _ state: WorkRequest.State, _ change: (inout WorkRequest) -> Void = { _ in }
    ) -> Revisioned<WorkRequest> {
        var request = WorkRequest(volumeUID: "u", token: "t", work: work, askedBy: "operator@n1", since: now)
        request.state = state
        change(&request)
        return Revisioned(request, revision: 3)
    }
}

import VolumeCore

/// Swift Testing has an `Attachment` too; in these tests the word means the volume's.
typealias Attachment = VolumeCore.Attachment

/// Records for the tests of the rules.
enum Fixture {
    static let me = NodeIdentity(node: "here", boot: "b1")
    static let meBefore = NodeIdentity(node: "here", boot: "b0")
    static let other = NodeIdentity(node: "there", boot: "x1")

    static func name() throws -> VolumeName { try VolumeName("db") }

    static func volume(
        _ phase: VolumeRecord.Phase = .ready, attempt: NodeIdentity? = nil, epoch: UInt64 = 4, uid: String = "u1"
    ) throws -> VolumeRecord {
        VolumeRecord(
            name: try name(), uid: uid, phase: phase, spec: VolumeSpec(pool: "rbd", size: .mebibytes(206)),
            options: ["pool": "rbd", "size": "206"], createdAt: "2026-01-01T00:00:00Z", imageID: "abc",
            attempt: attempt.map { .init(by: $0, token: "t1") }, epoch: Epoch(epoch))
    }

    static func attachment(
        _ state: Attachment.State, owner: NodeIdentity = me, ids: [String: Int] = ["m1": 1], uid: String = "u1",
        clients: [ClientAddress] = []
    ) -> Attachment {
        let mapped = state == .attached || state == .detaching
        return Attachment(
            volumeUID: uid, owner: owner, epoch: Epoch(4), state: state, mapper: mapped ? "krbd" : nil,
            device: mapped ? "/dev/rbd0" : nil, clients: clients, mountpoint: mapped ? "/mnt/volumes/db" : nil,
            mountIDs: ids, since: "2026-01-01T00:00:00Z")
    }

    static func stored(_ volume: VolumeRecord?, _ attachment: Attachment? = nil) throws -> StoredVolume {
        StoredVolume(
            name: try name(), volume: volume.map { Revisioned($0, revision: 7) },
            attachment: attachment.map { Revisioned($0, revision: 8) }, revision: 9)
    }

    static func request(_ options: [String: String]) throws -> VolumeRequest {
        try VolumeRequest(options: options, defaults: VolumeDefaults())
    }
}

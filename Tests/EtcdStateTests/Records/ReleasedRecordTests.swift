import Rig
import Testing

@testable import EtcdState
@testable import VolumeCore

/// A cluster is upgraded node by node, and volumes outlive every version: what was ever written is read for ever.
@Suite("Records of released versions") struct ReleasedRecordTests {
    @Test(
        "A record that a released version wrote is read, and written back with all its fields",
        arguments: ReleasedRecord.all)
    func keepsItsFields(_ record: ReleasedRecord) throws {
        let bytes = try record.bytes()
        var before = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self)).object
        #expect(before["write"]?.string == RecordCodec.writeToken(of: bytes))
        before["write"] = "another write"
        let after = try JSONValue(parsing: String(decoding: try Self.rewritten(bytes, record.key), as: UTF8.self))
        #expect(after.fieldsMissing(of: .object(before)) == [])
    }

    private static func rewritten(_ bytes: [UInt8], _ key: String) throws -> [UInt8] {
        func again<Record: CheckedRecord & Codable>(_ type: Record.Type) throws -> [UInt8] {
            try RecordCodec.encode(RecordCodec.decode(type, from: bytes, key: key), write: "another write")
        }
        return switch key.split(separator: "/").first {
        case "volumes": try again(VolumeRecord.self)
        case "mounts": try again(VolumeCore.Attachment.self)
        case "nodes": try again(NodeRecord.self)
        case "cluster": try again(ClusterRecord.self)
        default: throw RigFailure("no record has the key \(key)")
        }
    }

    @Test("A volume's record says what it said", arguments: ReleasedRecord.all.filter { $0.key.hasPrefix("volumes/") })
    func volumes(_ record: ReleasedRecord) throws {
        let volume = try RecordCodec.decode(VolumeRecord.self, from: record.bytes(), key: record.key)
        #expect(volume.name.text == record.scene && volume.spec.pool == "rbd" && volume.options["pool"] == "rbd")
        #expect(!volume.uid.isEmpty && !volume.createdAt.isEmpty)
        let check = try #require(Self.volumeScenes[record.scene], "no test says what \(record.key) means")
        check(volume)
    }

    @Test("A mount's record says what it said", arguments: ReleasedRecord.all.filter { $0.key.hasPrefix("mounts/") })
    func mounts(_ record: ReleasedRecord) throws {
        let mount = try RecordCodec.decode(VolumeCore.Attachment.self, from: record.bytes(), key: record.key)
        #expect(!mount.volumeUID.isEmpty && !mount.owner.boot.isEmpty && !mount.since.isEmpty)
        let check = try #require(Self.mountScenes[record.scene], "no test says what \(record.key) means")
        check(mount)
    }

    @Test(
        "A node's and the cluster's record say what they said",
        arguments: ReleasedRecord.all.filter { $0.key == "cluster" })
    func others(_ record: ReleasedRecord) throws {
        let cluster = try RecordCodec.decode(ClusterRecord.self, from: record.bytes(), key: record.key)
        #expect(cluster.fsid.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        let key = "nodes/node-a"
        let bytes = try ReleasedRecord(version: record.version, key: key).bytes()
        let node = try RecordCodec.decode(NodeRecord.self, from: bytes, key: key)
        #expect(node.node == "node-a" && !node.boot.isEmpty && !node.since.isEmpty)
        #expect(node.version.contains(record.version))
    }

    @Test("The version that was released last has a record in every state: rig/released-records makes them")
    func complete() throws {
        let released = try ReleasedRecord.newestVersion()
        let kept = Set(ReleasedRecord.all.filter { released.hasPrefix($0.version) }.map(\.key))
        let volumes = Self.volumeScenes.keys.map { "volumes/\($0)" }
        let mounts = Self.mountScenes.keys.map { "mounts/\($0)" }
        #expect(kept.isSuperset(of: volumes + mounts + ["nodes/node-a", "cluster"]), "\(released) has only \(kept)")
    }

    // MARK: What each scene is, as rig/lib/record-scenes sets it

    private static let volumeScenes: [String: @Sendable (VolumeRecord) -> Void] = [
        "ready": { volume in
            #expect(volume.phase == .ready && volume.imageID != nil && volume.attempt == nil && !volume.adopted)
            #expect(volume.spec == VolumeSpec(pool: "rbd", size: .mebibytes(16)) && volume.epoch == .none)
            #expect(volume.options == ["pool": "rbd", "size": "16M"])
        },
        "options": { volume in
            let spec = volume.spec
            #expect(spec.namespace == "team" && spec.dataPool == "rbd-data" && spec.filesystem == .xfs)
            #expect(spec.size == .mebibytes(300) && spec.order == 23)
            #expect(spec.features == [.layering, .exclusiveLock])
            #expect(spec.mkfsOptions == ["-m", "reflink=0"] && spec.mountOptions == ["noatime", "nodev"])
            #expect(spec.mapOptions == ["queue_depth=64"])
            #expect(spec.uid == 999 && spec.gid == 998 && spec.mode == 0o750)
            #expect(volume.options["mode"] == "0750")
        },
        "adopted": { volume in #expect(volume.phase == .ready && volume.adopted && volume.keepsImage) },
        "creating": { volume in
            #expect(volume.phase == .creating && volume.attempt?.by.node == "node-b" && volume.imageID == nil)
            #expect(volume.attempt?.token.isEmpty == false && volume.abandoned.isEmpty)
        },
        "abandoned": { volume in
            #expect(volume.phase == .creating && volume.attempt?.by.node == "node-d" && volume.abandoned.count == 1)
            #expect(volume.abandoned.first != volume.attempt?.token)
        },
        "removing": { volume in #expect(volume.phase == .removing && volume.imageID != nil) },
        "claimed": { volume in #expect(volume.phase == .ready && volume.epoch == Epoch(1)) },
    ]

    private static let mountScenes: [String: @Sendable (VolumeCore.Attachment) -> Void] = [
        "claimed": { mount in
            #expect(mount.state == .attaching && mount.owner.node == "node-f" && mount.epoch == Epoch(1))
            #expect(mount.clients.isEmpty && mount.device == nil && mount.mountIDs == ["one": 1])
        },
        "attaching": { mount in
            #expect(mount.state == .attaching && mount.owner.node == "node-g" && mount.clients.count == 1)
            #expect(mount.device?.hasPrefix("/dev/") == true && mount.mapper != nil)
        },
        "attached": { mount in
            #expect(mount.state == .attached && mount.owner.node == "node-a" && mount.clients.count == 1)
            #expect(mount.mountpoint?.hasSuffix("/attached") == true && mount.mountIDs == ["one": 1, "two": 2])
        },
        "detaching": { mount in #expect(mount.state == .detaching && mount.clients.count == 1) },
        "wanted": { mount in
            #expect(mount.state == .attached && mount.owner.node == "node-i" && mount.wantedBy?.node == "node-j")
        },
        "fencing": { mount in
            #expect(mount.state == .fencing && mount.owner.node == "node-l" && mount.epoch == Epoch(2))
            #expect(mount.fenced?.owner.node == "node-k" && mount.fenced?.epoch == Epoch(1))
            #expect(mount.fenced?.clients.count == 1 && mount.fenced?.mayBeIncomplete == false)
        },
    ]
}

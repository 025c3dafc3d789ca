import FoundationEssentials
import Rig
import Testing

@testable import EtcdState
@testable import VolumeCore

/// The texts in etcd of records that say everything that they can say. Nodes of several versions read them: a change here breaks
/// a rolling upgrade.
@Suite("Texts of records that say everything") struct GoldenRecordTests {
    private static let volume = """
        {"abandoned":[],"adopted":false,"createdAt":"2026-01-02T03:04:05Z","createdSize":209715200,"epoch":3,\
        "givenName":"gold/db","grownAt":"2026-02-03T04:05:06Z","imageID":"10226b8b4567","name":"gold.db",\
        "options":{"size":"200M"},"phase":"ready","policy":"gold","protected":true,\
        "runtime":{"autogrow.at":"85%","autogrow.max":"2G","discard":"daily","write-bps":"20M"},"schema":1,\
        "spec":{"dataPool":"","features":["layering"],"filesystem":"ext4","mapOptions":[],"mkfsOptions":[],\
        "mountOptions":[],"namespace":"","order":22,"pool":"rbd","size":1073741824,"stripeCount":4,\
        "stripeUnit":65536},"trimmedAt":"2026-03-04T05:06:07Z","uid":"u1","write":"w1"}
        """

    private static let mount = """
        {"applied":{"discard":"online","iops":"500"},"autogrowReason":"policy gold says no","clients":["10.0.0.1:0/55"],"device":"/dev/rbd0","epoch":4,\
        "growthReason":"cannot grow image rbd/db: the pool is full","mapper":"krbd","mountIDs":{"0a1b":2},\
        "mountpoint":"/mnt/volumes/db","owner":{"boot":"b1","node":"node-a"},"schema":1,\
        "since":"2026-01-02T03:04:06Z","state":"attached","unappliedReason":"there are no control groups",\
        "volumeUID":"u1","write":"w1","writersAreNoted":true}
        """

    private static let policy = """
        {"create":{"fstype":"xfs","max-size":"100G","max-total":"2T","pool":"rbd","protect":"true","size":"20G","stripe-count":"4",\
        "stripe-unit":"64K"},"runtime":{"autogrow.at":"85%","autogrow.by":"10%","autogrow.max":"100G","bps":"20M",\
        "discard":"weekly","iops":"500"},"schema":1,"write":"w1"}
        """

    private static let leaving = """
        {"abandoned":[],"adopted":false,"createdAt":"","epoch":3,"imageID":"10226b8b4567","name":"db","options":{},\
        "phase":"removing","runtime":{"on-remove":"trash","trash.keep":"2w"},"schema":2,\
        "spec":{"dataPool":"","features":["layering"],"filesystem":"ext4","mapOptions":[],"mkfsOptions":[],\
        "mountOptions":[],"namespace":"","order":22,"pool":"rbd","size":1073741824},\
        "trash":{"at":"2026-01-02T03:04:05Z","by":"node-a","until":"2026-01-16T03:04:05Z"},"uid":"u1","write":"w1"}
        """

    private static let claims = """
        {"claims":{"u1":{"by":"operator@node-a","imageID":"10226b8b4567","name":"db2","namespace":"ns","pool":"rbd",\
        "purpose":"restoring","since":"2026-01-02T03:04:05Z","token":"t1"}},"schema":1,"write":"w1"}
        """

    /// - Returns: the record, and what is written in its place.
    private func read<Record: CheckedRecord>(_ type: Record.Type, _ text: String, _ key: String) throws -> (
        record: Record, again: String
    ) {
        let record = try RecordCodec.decode(type, from: Array(text.utf8), key: key)
        return (record, String(decoding: try RecordCodec.encode(record, write: "w1"), as: UTF8.self))
    }

    private func without(_ fields: Set<String>, _ text: String) throws -> String {
        let object = try JSONValue(parsing: text).object
        for field in fields { #expect(object[field] != nil, "\(field)") }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(
            decoding: try encoder.encode(JSONValue.object(object.filter { !fields.contains($0.key) })), as: UTF8.self)
    }

    @Test("A volume of a policy, with values of its own, stripes and a past, is read, and written back byte for byte")
    func volumes() throws {
        let (volume, again) = try read(VolumeRecord.self, Self.volume, "volumes/gold.db")
        #expect(again == Self.volume)
        #expect(volume.name.given == "gold/db" && volume.policy?.text == "gold" && volume.isProtected)
        #expect(volume.runtime.discard == .daily && volume.runtime.limits == IOLimits(writeBPS: 20 << 20))
        #expect(volume.runtime.autogrow?.at == 85 && volume.runtime.autogrow?.max == .gibibytes(2))
        #expect(volume.spec.striping == ImageStriping(unit: 64 << 10, count: 4))
        #expect(volume.spec.size == .gibibytes(1) && volume.createdSize == .mebibytes(200))
        #expect(volume.grownAt?.description == "2026-02-03T04:05:06Z")
        #expect(volume.trimmedAt?.description == "2026-03-04T05:06:07Z")
        #expect(volume.unknown == UnknownFields() && volume.spec.unknown == UnknownFields())
    }

    @Test("A volume of a version without those fields gets what they mean by default")
    func olderVolumes() throws {
        let fields: Set = [
            "createdSize", "givenName", "grownAt", "policy", "protected", "runtime", "trimmedAt",
        ]
        let text = try without(fields, Self.volume)
            .replacing(#""stripeCount":4,"#, with: "").replacing(#","stripeUnit":65536"#, with: "")
        let (volume, again) = try read(VolumeRecord.self, text, "volumes/gold.db")
        #expect(volume.name.given == "gold.db" && volume.policy == nil && !volume.isProtected)
        #expect(volume.runtime == RuntimeSettings() && volume.createdSize == nil)
        #expect(volume.grownAt == nil && volume.trimmedAt == nil && volume.spec.striping == nil)
        for field in fields.union(["stripe"]) { #expect(!again.contains(field), "\(field)") }
    }

    private static let clone = """
        {"abandoned":[],"adopted":false,"clonedFrom":{"depth":2,"imageID":"10226b8b4567","namespace":"team","pool":"rbd",\
        "size":1073741824,"snapshot":"monday","snapshotID":9,"uid":"u0","volume":"gold/db"},"createdAt":"2026-01-02T03:04:05Z","epoch":0,\
        "imageID":"10226b8b4568","name":"copy","options":{"from":"gold/db","from-snapshot":"monday"},"phase":"ready",\
        "schema":1,"spec":{"dataPool":"","features":["layering"],"filesystem":"ext4","mapOptions":[],"mkfsOptions":[],\
        "mountOptions":[],"namespace":"","order":22,"pool":"rbd","size":1073741824},"uid":"u1","write":"w1"}
        """

    @Test(
        "A clone is read, and written back byte for byte; while it is made it is closed to versions that would make it blank"
    )
    func clones() throws {
        let (volume, again) = try read(VolumeRecord.self, Self.clone, "volumes/copy")
        #expect(again == Self.clone)
        #expect(volume.clonedFrom?.volume.given == "gold/db" && volume.clonedFrom?.snapshotID == 9)
        #expect(volume.clonedFrom?.image == ImageReference(pool: "rbd", namespace: "team", name: "gold.db"))
        var creating = volume.retried(by: NodeIdentity(node: "n", boot: "b"), token: "t1")
        creating.phase = .creating
        #expect(String(decoding: try RecordCodec.encode(creating, write: "w1"), as: UTF8.self).contains(#""schema":2"#))
    }

    @Test("A clone that many nodes read is read, and written back byte for byte; older versions leave it alone")
    func sharedVolumes() throws {
        let shared = Self.clone.replacing(#""schema":1,"spec":{"#, with: #""schema":2,"spec":{"access":"read-only","#)
        let (volume, again) = try read(VolumeRecord.self, shared, "volumes/copy")
        #expect(again == shared && volume.isShared)
        // Nothing else makes a clone a shared one.
        #expect(try read(VolumeRecord.self, Self.clone, "volumes/copy").record.isShared == false)
    }

    @Test("Who reads a shared volume is read, and written back byte for byte")
    func readers() throws {
        let text =
            #"{"nodes":{"node-a":{"applied":{"iops":"500"},"clients":[],"device":"/dev/rbd0","epoch":1,"mapper":"krbd","#
            + #""mountIDs":{"0a1b":2},"mountpoint":"/mnt/volumes/copy","owner":{"boot":"b1","node":"node-a"},"schema":1,"#
            + #""since":"2026-01-02T03:04:06Z","state":"attached","volumeUID":"u1"}},"schema":1,"volumeUID":"u1","write":"w1"}"#
        let (readers, again) = try read(Readers.self, text, "readers/copy")
        #expect(again == text)
        #expect(readers["node-a"]?.inForce.values.limits == IOLimits(iops: 500) && readers.all.count == 1)
        let newer = text.replacing(
            #""schema":1,"volumeUID":"u1","write""#, with: #""later":1,"schema":1,"volumeUID":"u1","write""#)
        #expect(try read(Readers.self, newer, "readers/copy").again.contains(#""later":1"#))
        // An entry that would have to be fenced is none.
        let forged = text.replacing(#""clients":[]"#, with: #""clients":["10.0.0.1:0/55"]"#)
        #expect(throws: VolumeError.self) { try read(Readers.self, forged, "readers/copy") }
    }

    @Test(
        "A clone whose parent no plugin could have written is not read",
        arguments: ["\"pool\":\"a/b\"", "\"uid\":\"\""])
    func forgedClones(_ field: String) {
        let name = field.split(separator: ":")[0]
        let forged = Self.clone.replacing(
            name == "\"pool\"" ? "\"pool\":\"rbd\",\"size\":1073741824,\"snapshot\"" : "\"uid\":\"u0\"",
            with: name == "\"pool\"" ? field + ",\"size\":1073741824,\"snapshot\"" : field)
        #expect(forged != Self.clone)
        #expect(throws: (any Error).self) {
            try RecordCodec.decode(VolumeRecord.self, from: Array(forged.utf8), key: "volumes/copy")
        }
    }

    @Test("A volume on its way into the trash is read, and written back byte for byte; older versions leave it alone")
    func leavingVolumes() throws {
        let (volume, again) = try read(VolumeRecord.self, Self.leaving, "volumes/db")
        #expect(again == Self.leaving)
        #expect(volume.trash?.by == "node-a" && volume.trash?.until == WallTime("2026-01-16T03:04:05Z"))
        #expect(volume.runtime.onRemove == .trash && volume.runtime.trashKeep == .seconds(14 * 86_400))
        // Without all that it is a volume that every version takes.
        let older = try without(["trash", "runtime"], Self.leaving)
        let (plain, plainAgain) = try read(VolumeRecord.self, older, "volumes/db")
        #expect(plain.trash == nil && plain.runtime.onRemove == nil && plain.runtime.trashKeep == .seconds(7 * 86_400))
        #expect(plainAgain == older.replacing(#""schema":2"#, with: #""schema":1"#))
    }

    @Test("A volume on its way out of the trash says so, and is read, and written back byte for byte")
    func returning() throws {
        let text = Self.leaving.replacing(#""by":"node-a","until""#, with: #""by":"node-a","returning":true,"until""#)
        #expect(text != Self.leaving)
        let (volume, again) = try read(VolumeRecord.self, text, "volumes/db")
        #expect(again == text && volume.trash?.isReturning == true)
    }

    @Test("A volume that is to be kept when it is removed is none that older versions may remove")
    func keptFromOlderVersions() throws {
        var (volume, _) = try read(VolumeRecord.self, Self.volume, "volumes/gold.db")
        for (choice, schema) in [("trash", 2), ("keep", 2), ("delete", 1)] {
            try volume.runtime.set(.onRemove, choice)
            #expect(volume.stamp.schema == schema, "\(choice)")
        }
    }

    @Test("Who is at what the trash keeps is read, and written back byte for byte")
    func trashClaims() throws {
        let (claims, again) = try read(TrashClaims.self, Self.claims, "trash/db")
        #expect(again == Self.claims)
        let claim = try #require(claims.claims["u1"])
        #expect(claim.purpose == .restoring && claim.name?.text == "db2" && claim.place.namespace == "ns")
        let newer = Self.claims.replacing(#""token":"t1""#, with: #""later":[1],"token":"t1""#)
        #expect(try read(TrashClaims.self, newer, "trash/db").again.contains(#""later":[1]"#))
    }

    @Test("A mount with values in force and reasons is read, and written back byte for byte")
    func mounts() throws {
        let (mount, again) = try read(VolumeCore.Attachment.self, Self.mount, "mounts/db")
        #expect(again == Self.mount)
        #expect(mount.inForce.values.limits == IOLimits(iops: 500) && mount.inForce.values.discard == .online)
        #expect(mount.inForce.reason == "there are no control groups")
        #expect(mount.growthReason == "cannot grow image rbd/db: the pool is full")
        #expect(mount.autogrowReason == "policy gold says no")
        #expect(mount.writersAreNoted == true && mount.unknown == UnknownFields())
    }

    @Test("A mount of a version without those fields has no values in force, and no reasons")
    func olderMounts() throws {
        let fields: Set = ["applied", "autogrowReason", "growthReason", "unappliedReason", "writersAreNoted"]
        let (mount, again) = try read(VolumeCore.Attachment.self, without(fields, Self.mount), "mounts/db")
        #expect(mount.inForce == .none && mount.growthReason == nil && mount.autogrowReason == nil)
        #expect(mount.writersAreNoted == nil)
        for field in fields { #expect(!again.contains(field), "\(field)") }
    }

    @Test("A policy is read, and written back byte for byte")
    func policies() throws {
        let (policy, again) = try read(Policy.self, Self.policy, "policies/gold")
        #expect(again == Self.policy)
        #expect(policy.create.options[.size] == "20G" && policy.create.options[.protect] == "true")
        #expect(policy.create.maxSize == .gibibytes(100) && policy.create.maxTotal == .gibibytes(2048))
        #expect(policy.runtime.discard == .weekly)
        #expect(policy.runtime.limits == IOLimits(iops: 500, bps: 20 << 20))
        #expect(policy.unknown == UnknownFields() && policy.create.unknown == UnknownFields())
    }

    @Test("The settings of all nodes are read, and written back byte for byte")
    func global() throws {
        let text = #"{"log-level":"debug","mount-wait":"5s","operation-timeout":"40s","schema":1,"write":"w1"}"#
        let (settings, again) = try read(GlobalSettings.self, text, "global")
        #expect(again == text && settings.description == "log-level=debug operation-timeout=40s mount-wait=5s")
        #expect(throws: VolumeError.self) {
            try read(GlobalSettings.self, text.replacing("40s", with: "40h"), "global")
        }
    }

    @Test("A policy that says nothing bounds nothing")
    func emptyPolicies() throws {
        let (policy, again) = try read(
            Policy.self, without(["create", "runtime"], Self.policy), "policies/gold")
        #expect(policy == Policy() && again == #"{"schema":1,"write":"w1"}"#)
    }
}

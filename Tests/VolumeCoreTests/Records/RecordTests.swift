import Testing
import VolumeCore

/// The texts in etcd. Nodes of several versions read them, and so do people: a change here breaks both.
@Suite struct RecordTests {
    static let node = NodeIdentity(node: "node-a", boot: "7b1c5f4e-5f0a")

    static let volumeText = """
        {
          "abandoned" : [
            "t0"
          ],
          "adopted" : false,
          "attempt" : {
            "by" : {
              "boot" : "7b1c5f4e-5f0a",
              "node" : "node-a"
            },
            "token" : "t0ken"
          },
          "createdAt" : "2026-01-02T03:04:05Z",
          "epoch" : 3,
          "imageID" : "10226b8b4567",
          "name" : "db",
          "options" : {
            "mkfs-options" : "-m 0",
            "pool" : "rbd",
            "size" : "206"
          },
          "phase" : "creating",
          "schema" : 1,
          "spec" : {
            "dataPool" : "slow",
            "features" : [
              "layering",
              "exclusive-lock"
            ],
            "filesystem" : "ext4",
            "gid" : 999,
            "mapOptions" : [
              "queue_depth=128"
            ],
            "mkfsOptions" : [
              "-m",
              "0"
            ],
            "mode" : 488,
            "mountOptions" : [
              "noatime"
            ],
            "namespace" : "team",
            "order" : 22,
            "pool" : "rbd",
            "size" : 216006656,
            "uid" : 0
          },
          "uid" : "u1"
        }
        """

    static func volume() throws -> VolumeRecord {
        var volume = VolumeRecord(
            name: try VolumeName("db"), uid: "u1", phase: .creating,
            spec: VolumeSpec(
                pool: "rbd", namespace: "team", dataPool: "slow", size: .mebibytes(206),
                features: [.layering, .exclusiveLock], mkfsOptions: ["-m", "0"], mountOptions: ["noatime"],
                mapOptions: ["queue_depth=128"], uid: 0, gid: 999, mode: 0o750),
            options: ["pool": "rbd", "size": "206", "mkfs-options": "-m 0"], createdAt: "2026-01-02T03:04:05Z",
            imageID: "10226b8b4567", attempt: .init(by: node, token: "t0ken"), epoch: Epoch(3))
        volume.abandoned = ["t0"]
        return volume
    }

    static let attachmentText = """
        {
          "clients" : [
            "10.0.0.1:0/55"
          ],
          "device" : "/dev/rbd0",
          "epoch" : 4,
          "fenced" : {
            "clients" : [
              "10.0.0.2:0/66"
            ],
            "epoch" : 3,
            "mayBeIncomplete" : true,
            "owner" : {
              "boot" : "b0",
              "node" : "node-b"
            }
          },
          "mapper" : "krbd",
          "mountIDs" : {
            "0a1b" : 2
          },
          "mountpoint" : "/mnt/volumes/db",
          "owner" : {
            "boot" : "7b1c5f4e-5f0a",
            "node" : "node-a"
          },
          "schema" : 1,
          "since" : "2026-01-02T03:04:06Z",
          "state" : "attached",
          "volumeUID" : "u1",
          "wantedBy" : {
            "boot" : "b1",
            "node" : "node-c"
          }
        }
        """

    static func attachment() -> Attachment {
        Attachment(
            volumeUID: "u1", owner: node, epoch: Epoch(4), state: .attached, mapper: "krbd", device: "/dev/rbd0",
            clients: ["10.0.0.1:0/55"].compactMap { ClientAddress($0) }, mountpoint: "/mnt/volumes/db",
            mountIDs: ["0a1b": 2], since: "2026-01-02T03:04:06Z",
            fenced: .init(
                owner: NodeIdentity(node: "node-b", boot: "b0"), epoch: Epoch(3),
                clients: ["10.0.0.2:0/66"].compactMap { ClientAddress($0) }, mayBeIncomplete: true),
            wantedBy: NodeIdentity(node: "node-c", boot: "b1"))
    }

    @Test func aVolumeIsWrittenAsAlways() throws {
        #expect(try Golden.text(Self.volume(), pretty: true) == Self.volumeText)
        #expect(try Golden.decode(VolumeRecord.self, Self.volumeText) == Self.volume())
    }

    @Test func anAttachmentIsWrittenAsAlways() throws {
        #expect(try Golden.text(Self.attachment(), pretty: true) == Self.attachmentText)
        #expect(try Golden.decode(Attachment.self, Self.attachmentText) == Self.attachment())
    }

    @Test func whatIsNotSetIsAbsent() throws {
        let volume = VolumeRecord(
            name: try VolumeName("db"), uid: "u1", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:],
            createdAt: "2026-01-02T03:04:05Z")
        let text = try Golden.text(volume)
        for absent in ["attempt", "imageID", "gid", "mode", "stripe", "null"] {
            #expect(!text.contains(absent), "\(absent)")
        }
        #expect(try Golden.decode(VolumeRecord.self, text) == volume)

        let claim = Attachment(
            volumeUID: "u1", owner: Self.node, epoch: Epoch(1), state: .attaching, since: "2026-01-02T03:04:06Z")
        #expect(
            try Golden.text(claim)
                == #"{"clients":[],"epoch":1,"mountIDs":{},"owner":{"boot":"7b1c5f4e-5f0a","node":"node-a"},"#
                + #""schema":1,"since":"2026-01-02T03:04:06Z","state":"attaching","volumeUID":"u1"}"#)
        #expect(try Golden.decode(Attachment.self, Golden.text(claim)) == claim)
    }

    @Test("E19: a record without a word of protection is not protected, and one that is protected says so")
    func e19Protection() throws {
        var volume = try Self.volume()
        #expect(!volume.isProtected)
        volume.isProtected = true
        let text = try Golden.text(volume)
        #expect(text.contains(#""protected":true"#))
        #expect(try Golden.decode(VolumeRecord.self, text).isProtected)
        volume.isProtected = false
        #expect(try volume == Self.volume() && !Golden.text(volume).contains("protected"))
    }

    @Test("A record without a word of striping is of an image without, and one with stripes says so")
    func striping() throws {
        var volume = try Self.volume()
        #expect(volume.spec.striping == nil)
        (volume.spec.stripeUnit, volume.spec.stripeCount) = (64 << 10, 4)
        let text = try Golden.text(volume)
        #expect(text.contains(#""stripeCount":4,"stripeUnit":65536"#))
        #expect(try Golden.decode(VolumeRecord.self, text) == volume)
        #expect(throws: Never.self) { try volume.check() }
    }

    @Test("A volume whose stripes are yet to be made is for versions that make them; once it is made, for all of them")
    func unmadeStripes() throws {
        var volume = try Self.volume()
        #expect(try volume.stamp == RecordStamp(schema: 1) && Golden.text(volume).contains(#""schema":1"#))
        (volume.spec.stripeUnit, volume.spec.stripeCount) = (64 << 10, 4)
        let text = try Golden.text(volume.retried(by: Self.node, token: "t1"))
        // Released versions know only schema 1, and look at nothing else.
        #expect(text.contains(#""schema":2"#) && !text.contains("reader"))
        var read = try Golden.decode(VolumeRecord.self, text)
        #expect(read.stamp.isForThisVersion)
        for phase in [VolumeRecord.Phase.ready, .removing] {
            read.phase = phase
            #expect(try Golden.text(read).contains(#""schema":1"#), "\(phase)")
        }
        read.phase = .creating
        read.origin = .adopted
        #expect(try Golden.text(read).contains(#""schema":1"#), "its image is there already")
        // One object after the other all the same.
        (read.origin, read.spec.stripeUnit, read.spec.stripeCount) = (.blank, 4 << 20, 1)
        #expect(try Golden.text(read).contains(#""schema":1"#))
    }

    @Test("A read-only volume says so, and is for versions that know what that means, in every phase")
    func readOnly() throws {
        var volume = try Self.volume()
        #expect(try volume.spec.access == .readWrite && !Golden.text(volume).contains("access"))
        volume.spec.access = .readOnly
        for phase in VolumeRecord.Phase.allCases {
            volume.phase = phase
            let text = try Golden.text(volume)
            #expect(text.contains(#""spec":{"access":"read-only","dataPool":"slow","#) && text.contains(#""schema":2"#))
            #expect(try Golden.decode(VolumeRecord.self, text) == volume)
        }
        #expect(throws: Never.self) { try volume.check() }
        let newer = try Golden.text(volume).replacing("read-only", with: "append-only")
        #expect(throws: UnknownKind.self) { try Golden.decode(VolumeRecord.self, newer) }
    }

    @Test("What a newer version says of who may act on a volume stays, whether its stripes are made or not")
    func stripesOfNewerVersions() throws {
        var volume = try Self.volume()
        (volume.spec.stripeUnit, volume.spec.stripeCount) = (64 << 10, 4)
        let newer = try Golden.text(volume).replacing(#""schema":2"#, with: #""reader":2,"schema":7"#)
        var read = try Golden.decode(VolumeRecord.self, newer)
        #expect(try Golden.text(read) == newer)
        read.phase = .ready
        #expect(read.stamp == RecordStamp(schema: 7, reader: 2))
    }

    @Test("The name that Docker knows a volume by comes back, and older versions find the volume's own beside it")
    func givenNames() throws {
        var volume = try Self.volume()
        volume.name = try VolumeName(given: "gold/db")
        let text = try Golden.text(volume)
        #expect(text.contains(#""givenName":"gold/db""#) && text.contains(#""name":"gold.db""#))
        #expect(try Golden.decode(VolumeRecord.self, text).name.given == "gold/db")
        #expect(try !Golden.text(Self.volume()).contains("givenName"))
        for forged in ["silver/db", "gold/../db", "gold/db/x", "other"] {
            #expect(throws: (any Error).self, "\(forged)") {
                try Golden.decode(VolumeRecord.self, text.replacing("gold/db", with: forged))
            }
        }
    }

    @Test(arguments: VolumeRecord.Phase.allCases)
    func everyPhaseComesBack(_ phase: VolumeRecord.Phase) throws {
        var volume = try Self.volume()
        volume.phase = phase
        #expect(try Golden.decode(VolumeRecord.self, Golden.text(volume)) == volume)
    }

    @Test(arguments: Attachment.State.allCases)
    func everyStateComesBack(_ state: Attachment.State) throws {
        var attachment = Self.attachment()
        attachment.state = state
        #expect(try Golden.decode(Attachment.self, Golden.text(attachment)) == attachment)
    }

    @Test(arguments: FilesystemType.allCases)
    func everyFilesystemComesBack(_ filesystem: FilesystemType) throws {
        var volume = try Self.volume()
        volume.spec.filesystem = filesystem
        #expect(try Golden.decode(VolumeRecord.self, Golden.text(volume)) == volume)
    }

    @Test func theOptionsOfAUserComeBackInTheirOwnWords() throws {
        var volume = try Self.volume()
        volume.options = ["odd \"key\"": "höh/é\n\u{1}", "": "", "💾": "\\"]
        #expect(try Golden.decode(VolumeRecord.self, Golden.text(volume)) == volume)
    }

    /// A newer version, or etcdctl, may have added fields.
    @Test func unknownFieldsAreNoFault() throws {
        let text = Self.volumeText.replacing("\"uid\" : \"u1\"", with: "\"uid\" : \"u1\", \"write\" : \"x\"")
        #expect(try Golden.decode(VolumeRecord.self, text) == Self.volume())
    }

    @Test(arguments: ["name", "uid", "phase", "spec", "epoch", "pool", "size", "features", "filesystem", "order"])
    func aMissingFieldIsAFault(_ field: String) {
        let text = Self.volumeText.replacing("\"\(field)\" :", with: "\"x\(field)\" :")
        #expect(throws: (any Error).self) { try Golden.decode(VolumeRecord.self, text) }
    }

    @Test(arguments: [
        ("\"creating\"", "\"half-made\""), ("\"ext4\"", "\"ntfs\""), ("\"db\"", "\"../db\""),
        ("\"epoch\" : 3", "\"epoch\" : -3"),
        ("\"layering\"", "\"teleport\""), ("\"order\" : 22", "\"order\" : 256"), ("216006656", "-1"),
    ])
    func aValueThatCannotBeIsAFault(_ good: String, _ bad: String) {
        #expect(Self.volumeText.contains(good))
        #expect(throws: (any Error).self) {
            try Golden.decode(VolumeRecord.self, Self.volumeText.replacing(good, with: bad))
        }
    }

    @Test func anUnfinishedImageIsNamedAfterItsAttempt() throws {
        let volume = try Self.volume()
        let attempt = try #require(volume.attempt)
        #expect(volume.image == ImageReference(pool: "rbd", namespace: "team", name: "db"))
        #expect(
            volume.unfinishedImage(ofAttempt: attempt.token)
                == ImageReference(pool: "rbd", namespace: "team", name: "rbd-plugin.creating.u1.t0ken"))
    }

    @Test func aNewAttemptRemembersTheOneBefore() throws {
        let other = NodeIdentity(node: "node-b", boot: "b1")
        let retried = try Self.volume().retried(by: other, token: "t1")
        #expect(retried.attempt == .init(by: other, token: "t1"))
        #expect(retried.abandoned == ["t0", "t0ken"])

        var fresh = try Self.volume()
        fresh.attempt = nil
        fresh.abandoned = []
        #expect(fresh.retried(by: other, token: "t1").abandoned == [])
    }

    @Test func noVolumeCanHaveTheNameOfAnUnfinishedImage() throws {
        let volume = try Self.volume()
        let attempt = try #require(volume.attempt)
        #expect(throws: VolumeError.self) { try VolumeName(volume.unfinishedImage(ofAttempt: attempt.token).name) }
    }
}

import Testing
import VolumeCore

/// Volumes that any number of nodes read: how each node sees the records, and what it may do.
@Suite("Rules of shared volumes") struct SharedVolumeRuleTests {
    private static func shared(_ phase: VolumeRecord.Phase = .ready) throws -> VolumeRecord {
        var volume = try Fixture.volume(phase)
        volume.spec.access = .readOnly
        volume.origin = .cloned(
            CloneOrigin(
                volume: try VolumeName("parent"), pool: "rbd", namespace: "", uid: "u0", imageID: "aa",
                snapshot: try SnapshotName("s"), snapshotID: 1, size: .mebibytes(206), depth: 1))
        return volume
    }

    private static func stored(
        _ volume: VolumeRecord? = nil, readers owners: [NodeIdentity] = [], state: Attachment.State = .attached
    ) throws -> StoredVolume {
        var stored = try Fixture.stored(volume ?? shared())
        guard !owners.isEmpty else { return stored }
        var readers = Readers(volumeUID: "u1")
        for owner in owners { readers[owner.node] = Fixture.attachment(state, owner: owner) }
        stored.readers = Revisioned(readers, revision: 8)
        return stored
    }

    private func seen(_ stored: StoredVolume) throws -> StoredVolume {
        try NodesView.seen(stored, by: Fixture.me.node)
    }

    @Test("only what is made out of a snapshot for reading is shared")
    func kinds() throws {
        #expect(try Self.shared().isShared)
        var volume = try Self.shared()
        volume.origin = .adopted
        #expect(!volume.isShared)
        volume = try Self.shared()
        volume.spec.access = .readWrite
        #expect(!volume.isShared)
    }

    @Test("a node sees its own mount alone, and of any other volume what there is")
    func view() throws {
        let both = try seen(Self.stored(readers: [Fixture.me, Fixture.other]))
        #expect(both.attachment?.record.owner == Fixture.me && both.attachment?.revision == 8)
        #expect(try seen(Self.stored(readers: [Fixture.other])).attachment == nil)
        let plain = try Fixture.stored(Fixture.volume(), Fixture.attachment(.attached, owner: Fixture.other))
        #expect(try seen(plain) == plain && NodesView.records(plain) == plain)
        #expect(try NodesView.records(both) == Self.stored(readers: [Fixture.me, Fixture.other]))
    }

    @Test("a shared volume that a record gives to one node alone is no node's")
    func exclusiveRecord() throws {
        var stored = try Self.stored()
        stored.attachment = Revisioned(Fixture.attachment(.attached, owner: Fixture.other), revision: 8)
        let error = try #require(throws: VolumeError.self) { try seen(stored) }
        #expect(error.code == .unexplained && error.remedy.contains("mounts/db"))
    }

    @Test(
        "what a node changes of its mount changes its own entry, and the record goes with the last one and with the volume"
    )
    func changes() throws {
        let mine = Fixture.attachment(.attaching)
        let among = try seen(Self.stored(readers: [Fixture.other]))
        let put = NodesView.change(.init(attachment: .put(mine)), of: among, by: "here").applied(to: among, at: 10)
        #expect(put.readers?.record.all.map(\.owner) == [Fixture.me, Fixture.other] && put.attachment == nil)
        let again = try seen(put)
        let left = NodesView.change(.init(attachment: .delete), of: again, by: "here")
        #expect(left.readers == .put(try #require(try Self.stored(readers: [Fixture.other]).readers?.record)))
        let alone = try seen(Self.stored(readers: [Fixture.me]))
        #expect(NodesView.change(.init(attachment: .delete), of: alone, by: "here").readers == .delete)
        #expect(NodesView.change(.deletion, of: among, by: "here").readers == .delete)
        #expect(try NodesView.change(.deletion, of: seen(Self.stored()), by: "here").readers == .keep)
        let volume = StoreChange(volume: .put(try Self.shared(.removing)))
        #expect(NodesView.change(volume, of: among, by: "here") == volume)
    }

    @Test("what another reader has recorded changes nothing for this one; what has become of the volume does")
    func unmoved() throws {
        let before = try seen(Self.stored(readers: [Fixture.me]))
        let change = StoreChange(attachment: .put(Fixture.attachment(.detaching)))
        func now(
            _ owners: [NodeIdentity], _ state: Attachment.State = .attached, of volume: VolumeRecord? = nil
        ) throws -> Bool {
            let stored = try seen(Self.stored(volume, readers: owners, state: state))
            return NodesView.isUnmoved(change, from: before, to: stored)
        }
        #expect(try now([Fixture.me, Fixture.other]))
        var schedule = try Self.shared()
        schedule.isProtected = true
        #expect(try now([Fixture.me], of: schedule))
        #expect(try !now([Fixture.me], of: Self.shared(.removing)))
        #expect(try !now([Fixture.other]) && !now([Fixture.me], .detaching))
        var another = try Self.shared()
        another.uid = "u2"
        #expect(try !now([Fixture.me], of: another))
        let removing = StoreChange(volume: .put(try Self.shared(.removing)))
        #expect(!NodesView.isUnmoved(removing, from: before, to: before))
        let idle = try seen(Self.stored())
        #expect(NodesView.isMade(.init(attachment: .delete), in: idle))
        #expect(!NodesView.isMade(.init(attachment: .delete), in: before))
        #expect(NodesView.isMade(.init(attachment: .put(Fixture.attachment(.attached))), in: before))
        #expect(!NodesView.isMade(change, in: before) && !NodesView.isMade(.deletion, in: idle))
    }

    @Test(
        "nobody is waited for, and nobody is shut out", arguments: Attachment.State.allCases.filter { $0 != .fencing })
    func mounts(state: Attachment.State) throws {
        func decide(_ owners: [NodeIdentity], mounted: Bool = false) throws -> MountStep {
            let stored = try seen(Self.stored(readers: owners, state: state))
            return try MountRule.decide(stored, me: Fixture.me, mountedHere: mounted, ownerIsAlive: true)
        }
        #expect(
            try decide([]) == .attach && decide([Fixture.other]) == .attach && decide([Fixture.meBefore]) == .attach)
        #expect(try decide([Fixture.me]) == .reattach)
        #expect(try decide([Fixture.me], mounted: true) == (state == .attached ? .count : .reattach))
        for phase in [VolumeRecord.Phase.creating, .removing] {
            let stored = try seen(Self.stored(Self.shared(phase), readers: [Fixture.other]))
            #expect(throws: VolumeError.self) {
                try MountRule.decide(stored, me: Fixture.me, mountedHere: false, ownerIsAlive: true)
            }
        }
    }

    @Test("a volume that can be written to is not mounted while a record says that nodes read it")
    func neverBesideReaders() throws {
        var stored = try Self.stored(readers: [Fixture.other])
        stored.volume = Revisioned(try Fixture.volume(), revision: 7)
        for what in ["mount", "remove"] {
            let error = try #require(throws: VolumeError.self) {
                if what == "mount" {
                    _ = try MountRule.decide(stored, me: Fixture.me, mountedHere: false, ownerIsAlive: false)
                } else {
                    _ = try RemoveRule.decide(
                        stored, me: Fixture.me, attemptIsAlive: false, justMounted: false, choice: .delete)
                }
            }
            #expect(error.code == .unexplained && error.why.contains("node there"))
        }
    }

    @Test("a living reader keeps the volume from being removed; a dead one, and this node's own, do not")
    func removal() throws {
        let stored = try Self.stored(readers: [Fixture.me, Fixture.other])
        #expect(SharedVolumeRule.inTheWay(stored, me: Fixture.me, living: []).isEmpty)
        let living = SharedVolumeRule.inTheWay(stored, me: Fixture.me, living: [Fixture.me, Fixture.other])
        #expect(living.map(\.owner) == [Fixture.other])
        let error = try #require(throws: VolumeError.self) { try SharedVolumeRule.refuse(living, "remove volume db") }
        #expect(error.code == .inUse && error.why.hasPrefix("node there has had it mounted since"))
        let mine = try seen(Self.stored(readers: [Fixture.meBefore]))
        let step = try RemoveRule.decide(
            mine, me: Fixture.me, attemptIsAlive: false, justMounted: true, choice: .delete)
        #expect(step == .begin(try Self.shared()))
    }

    @Test("a claim of a reader leaves the volume's record to the others")
    func claims() throws {
        let claim = VolumeClaim(try Self.shared(), by: Fixture.me, mountID: "m", since: "now")
        #expect(claim.change == StoreChange(attachment: .put(claim.attachment)))
        #expect(try claim.volume == Self.shared() && claim.attachment.epoch == Epoch(5))
        let plain = VolumeClaim(try Fixture.volume(), by: Fixture.me, mountID: "m", since: "now")
        #expect(plain.change.volume == .put(plain.volume) && plain.volume.epoch == Epoch(5))
    }

    static let readersText =
        #"{"nodes":{"here":{"clients":[],"device":"/dev/rbd0","epoch":4,"mapper":"krbd","mountIDs":{"m1":1},"#
        + #""mountpoint":"/mnt/volumes/db","owner":{"boot":"b1","node":"here"},"schema":1,"#
        + #""since":"2026-01-01T00:00:00Z","state":"attached","volumeUID":"u1"}},"schema":1,"volumeUID":"u1"}"#

    @Test("the readers are written as always, keep what newer versions say, and name nobody who could be shut out")
    func records() throws {
        let readers = try #require(try Self.stored(readers: [Fixture.me]).readers?.record)
        #expect(try Golden.text(readers) == Self.readersText)
        #expect(try Golden.decode(Readers.self, Self.readersText) == readers)
        let newer = #"{"later":true,"# + Self.readersText.dropFirst()
        #expect(try Golden.text(Golden.decode(Readers.self, newer)) == newer)
        #expect(throws: Never.self) { try readers.check() }
        var forged = readers
        forged["there"] = Fixture.attachment(.attached)
        #expect(throws: VolumeError.self) { try forged.check() }
        forged = readers
        forged["here"]?.clients = ["10.0.0.1:0/55"].compactMap { ClientAddress($0) }
        #expect(throws: VolumeError.self) { try forged.check() }
        for change in [\Attachment.volumeUID] {
            forged = readers
            forged["here"]?[keyPath: change] = "u2"
            #expect(throws: VolumeError.self) { try forged.check() }
        }
    }
}

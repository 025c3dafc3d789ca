import Testing

@testable import VolumeCore

@Suite struct TrashRuleTests {
    private let place = TrashPlace(pool: "rbd")
    private let until = WallTime(seconds: 1_800_000_000)

    private func image(_ uid: String = "u1", keptUntil: WallTime? = nil) throws -> TrashedImage {
        TrashedImage(
            in: place, id: "10ab", of: try VolumeName("db"), uid: uid, keptUntil: keptUntil ?? until)
    }

    private func settings(_ values: [RuntimeOption: String]) throws -> RuntimeSettings {
        var settings = RuntimeSettings()
        for (option, value) in values { try settings.set(option, value) }
        return settings
    }

    @Test(
        "The volume's own choice goes first, then that an adopted image is somebody's, then the policy's",
        arguments: [nil, "delete", "trash", "keep"], [nil, "delete", "trash", "keep"])
    func choice(own: String?, policy: String?) throws {
        let values = try settings(policy.map { [.onRemove: $0] } ?? [:])
        for adopted in [nil, "true", "own"] {
            var volume = try Fixture.volume()
            if adopted != nil { volume.origin = .adopted }
            volume.options["adopt"] = adopted
            if let own { try volume.runtime.set(.onRemove, own) }
            let expected = own ?? (adopted == "true" ? "keep" : policy) ?? "delete"
            #expect(TrashRule.onRemove(volume, policy: values).rawValue == expected)
        }
    }

    @Test("The term is seven days, or what the volume or else its policy says")
    func term() throws {
        var volume = try Fixture.volume()
        let now = WallTime(seconds: 1_790_000_000)
        #expect(TrashRule.term(volume, policy: nil, by: "n1", at: now).until == now + .seconds(7 * 86_400))
        let policy = try settings([.trashKeep: "2w"])
        #expect(TrashRule.term(volume, policy: policy, by: "n1", at: now).until == now + .seconds(14 * 86_400))
        try volume.runtime.set(.trashKeep, "12h")
        let term = TrashRule.term(volume, policy: policy, by: "n1", at: now)
        #expect(term == TrashTerm(by: "n1", at: now, until: now + .seconds(43_200)))
    }

    @Test(
        "What cannot be a choice or a time is refused, with what is accepted",
        arguments: [
            (RuntimeOption.onRemove, "off"), (.onRemove, "none"), (.onRemove, "purge"), (.onRemove, ""),
            (.trashKeep, "0"),
            (.trashKeep, "none"), (.trashKeep, "4s"), (.trashKeep, "11y"), (.trashKeep, "7 d"), (.trashKeep, "-1d"),
        ])
    func unfit(option: RuntimeOption, value: String) throws {
        var settings = RuntimeSettings()
        let error = try #require(throws: VolumeError.self) { try settings.set(option, value) }
        #expect(error.code == .invalidOption && error.description.contains(option == .onRemove ? "trash" : "7d"))
    }

    @Test(
        "An image's name says until when it is kept, and whose it was; nothing else is taken for one",
        arguments: 1...300)
    func names(seed: UInt64) throws {
        var numbers = SystemRandomNumberGenerator()
        let until = WallTime(seconds: Int64.random(in: 0...1 << 40, using: &numbers))
        let names = ["db", "db.1", "a.b.c", "rbd-plugin.kep", "1.2", "x-y_z"]
        var volume = try Fixture.volume()
        volume.name = try VolumeName(names[Int(seed) % names.count])
        volume.uid = "\(seed)-\(UInt64.random(in: 0...(.max), using: &numbers))"
        let text = volume.keptImage(until: until).name
        let read = try #require(TrashedImage(in: place, id: "10ab", named: text))
        #expect(read.keptUntil == until && read.uid == volume.uid && read.volume == volume.name)
        // What Ceph notes counts where it is later.
        let later = until + .seconds(5)
        #expect(TrashedImage(in: place, id: "1", named: text, protectedUntil: later)?.keptUntil == later)
        let earlier = WallTime(seconds: until.seconds - 5)
        #expect(TrashedImage(in: place, id: "1", named: text, protectedUntil: earlier)?.keptUntil == until)
        // One that waits to be deleted is not kept, and no version takes the one for the other.
        #expect(!text.hasPrefix(VolumeRecord.removedPrefix))
        let removed = try #require(TrashedImage(in: place, id: "1", named: volume.removedImage.name))
        #expect(removed.keptUntil == nil && removed.uid == volume.uid)
    }

    @Test(
        "Other names in the trash are somebody else's",
        arguments: [
            "db", "rbd-plugin.kept", "rbd-plugin.kept.", "rbd-plugin.kept.1", "rbd-plugin.kept.1.u",
            "rbd-plugin.kept.1..db",
            "rbd-plugin.kept.x.u.db", "rbd-plugin.kept.-1.u.db", "rbd-plugin.kept.+1.u.db", "rbd-plugin.kept..u.db",
            "rbd-plugin.kept.1.u.", "rbd-plugin.kept.1.u.a/b", "rbd-plugin.kept.99999999999999999999.u.db",
            "rbd-plugin.kept.1099511627777.u.db", "rbd-plugin.keptx.1.u.db",
        ])
    func foreign(name: String) { #expect(TrashedImage(in: place, id: "1", named: name) == nil) }

    @Test("Nothing is due before its time, whatever is recorded; what only waits is due at once")
    func due() throws {
        let kept = try image()
        #expect(!TrashRule.isDue(kept, at: WallTime(seconds: until.seconds - 1)))
        #expect(TrashRule.isDue(kept, at: until))
        let waiting = TrashedImage(in: place, id: "1", of: try VolumeName("db"), uid: "u")
        #expect(TrashRule.isDue(waiting, at: WallTime(seconds: 0)))
    }

    private func stored(_ claim: TrashClaim?, _ volume: VolumeRecord? = nil) throws -> StoredVolume {
        var stored = try Fixture.stored(volume, nil)
        if let claim { stored.trash = Revisioned(TrashClaims([try image().uid: claim]), revision: 3) }
        return stored
    }

    private func claim(_ purpose: TrashClaim.Purpose, as name: String? = nil, id: String = "10ab") throws -> TrashClaim
    {
        var claim = TrashClaim(
            purpose, try image(), as: try name.map { try VolumeName($0) }, token: "t", by: "operator@n1",
            since: WallTime(seconds: 1_790_000_000))
        claim.imageID = id
        return claim
    }

    @Test("What a record has, or somebody restores, is not emptied")
    func empty() throws {
        let image = try image()
        #expect(TrashRule.empty(image, try stored(nil)) == .claim)
        #expect(TrashRule.empty(image, try stored(claim(.emptying))) == .carryOn)
        #expect(TrashRule.empty(image, try stored(claim(.emptying, id: "99"))) == .leave)
        #expect(TrashRule.empty(image, try stored(claim(.restoring, as: "db"))) == .leave)
        for phase in VolumeRecord.Phase.allCases {
            #expect(TrashRule.empty(image, try stored(claim(.emptying), Fixture.volume(phase))) == .leave)
        }
        var another = try Fixture.volume()
        another.uid = "another"
        #expect(TrashRule.empty(image, try stored(nil, another)) == .claim)
    }

    @Test("A restore begins, carries on or gives back, by what is recorded")
    func restore() throws {
        let image = try image()
        func step(_ claim: TrashClaim?, _ volume: VolumeRecord?) throws -> TrashRule.RestoreStep {
            let stored = try stored(claim, volume)
            return try TrashRule.restore(image, from: stored, to: stored)
        }
        #expect(try step(nil, nil) == .begin)
        #expect(try step(claim(.restoring, as: "db"), nil) == .begin)
        let returning = try Fixture.volume(.removing)
        #expect(try step(claim(.restoring, as: "db"), returning) == .carryOn(returning))
        #expect(try step(nil, Fixture.volume()) == .giveBack(Fixture.volume()))
        func code(_ claim: TrashClaim?, _ volume: VolumeRecord?) throws -> VolumeError.Code {
            try #require(throws: VolumeError.self) { try step(claim, volume) }.code
        }
        #expect(try code(claim(.emptying), nil) == .conflict)
        #expect(try code(claim(.restoring, as: "other"), nil) == .conflict)
        #expect(try code(nil, Fixture.volume(.creating)) == .conflict)
        var another = try Fixture.volume()
        another.uid = "another"
        #expect(try code(nil, another) == .alreadyExists)
    }

    @Test("A name that another image has is refused; the image's own is not")
    func taken() throws {
        let target = ImageReference(pool: "rbd", name: "db")
        func found(_ id: String) -> ImageDescription {
            ImageDescription(
                id: id, size: .mebibytes(512), order: 22, features: .standard, uid: nil, watchers: [])
        }
        try TrashRule.refuseTaken(target, by: nil, for: image())
        try TrashRule.refuseTaken(target, by: found("10ab"), for: image())
        let error = try #require(throws: VolumeError.self) {
            try TrashRule.refuseTaken(target, by: found("77"), for: image())
        }
        #expect(error.code == .alreadyExists && error.description.contains("--as"))
    }

    @Test("A volume that comes back has all that it was; of a policy that is gone, its values")
    func returning() throws {
        var volume = try Fixture.volume()
        (volume.imageID, volume.policy) = ("10ab", try PolicyName("gold"))
        try volume.runtime.set(.iops, "700")
        let term = TrashTerm(by: "n1", at: WallTime(seconds: 5), until: until)
        let kept = KeptVolume(volume, term: term, policyValues: try settings([.iops: "100", .discard: "daily"]))
        let same = kept.returning(as: volume.name, hasPolicy: true)
        var expected = volume
        (expected.phase, expected.trash) = (.removing, term)
        expected.trash?.isReturning = true
        #expect(same == expected && !term.isReturning)
        let alone = kept.returning(as: try VolumeName("copy"), hasPolicy: false)
        #expect(alone.policy == nil && alone.name.text == "copy" && alone.uid == volume.uid)
        #expect(alone.runtime[.iops] == "700" && alone.runtime[.discard] == "daily")
    }
}

import Testing
import VolumeCore

/// What an `ImageStore` promises of images that the trash keeps.
extension ImageStoreContract {
    static let keptPromises: [ContractCase<Self>] = [
        .init("what the trash keeps is listed with its time, says what its volume was, and comes back under any name") {
            try await $0.keptComesBack()
        },
        .init("what the trash keeps is not deleted before its time, but for somebody who insists") {
            try await $0.keptStays()
        },
        .init("a name that another image has is not given to one from the trash") { try await $0.keptNameTaken() },
        .init("what is not in the trash does not come back, and says nothing") { try await $0.keptIsAbsent() },
        .init("trashing what is to be kept goes on where it was cut off, and so does restoring it") {
            try await $0.keptGoesOn()
        },
    ]

    private struct Kept {
        let image: ImageReference
        let id: String
        let name: String
        let note: KeptVolume
    }

    /// An image that is about to go into the trash.
    private func leaving(_ hint: String, namespaced: Bool = false) async throws -> Kept {
        let image = place.image(hint, namespaced: namespaced)
        let spec = place.spec(namespaced: namespaced)
        var volume = VolumeRecord(
            name: try VolumeName(image.name), uid: Fresh.name("uid"), phase: .ready, spec: spec,
            options: ["size": "32M"],
            createdAt: "2026-01-02T03:04:05Z")
        let id = try await images.create(image, spec: spec, uid: volume.uid)
        volume.imageID = id
        try volume.runtime.set(.onRemove, "trash")
        let now = clock.wallTime()
        let term = TrashTerm(by: "node-a", at: now, until: now + .seconds(3600))
        let note = KeptVolume(volume, term: term)
        return Kept(image: image, id: id, name: volume.keptImage(until: term.until).name, note: note)
    }

    private func trash(_ kept: Kept) async throws -> TrashedImage {
        for _ in 1...2 { try await images.keep(kept.note, in: kept.image, id: kept.id) }
        for _ in 1...2 {
            try await images.moveToTrash(
                kept.image, id: kept.id, as: kept.name, keepingUntil: kept.note.term.until)
        }
        return try await entry(kept)
    }

    private func entry(_ kept: Kept) async throws -> TrashedImage {
        try #require(try await images.trashed(in: kept.image.trash).first { $0.id == kept.id })
    }

    private func delete(_ kept: Kept) async throws {
        let entry = TrashedImage(
            in: kept.image.trash, id: kept.id, of: kept.note.volume.name, uid: kept.note.volume.uid)
        try await images.emptyTrash(entry, early: true)
    }

    private func keptComesBack() async throws {
        for namespaced in [false, true] {
            let kept = try await leaving("kept", namespaced: namespaced)
            try await place.addSnapshot(kept.image, "by-hand")
            let entry = try await trash(kept)
            #expect(entry.volume == kept.note.volume.name && entry.uid == kept.note.volume.uid)
            let until = try #require(entry.keptUntil)
            #expect(until >= kept.note.term.until && until <= kept.note.term.until + .seconds(60))
            #expect(try await images.inspect(kept.image) == nil)
            let found = try #require(try await images.kept(entry))
            #expect(found.kept == kept.note && found.uid == entry.uid && found.size == kept.note.volume.spec.size)

            let back = place.image("back", namespaced: namespaced)
            for _ in 1...2 { try await images.restoreFromTrash(entry, as: back.name) }
            let now = try #require(try await images.inspect(back))
            #expect(now.id == kept.id && now.uid == entry.uid && now.snapshots == ["by-hand"])
            #expect(try await images.trashed(in: back.trash).allSatisfy { $0.id != kept.id })
            try await place.removeSnapshot(back, "by-hand")
            try await images.remove(back, id: kept.id)
        }
    }

    private func keptStays() async throws {
        let kept = try await leaving("stays")
        let entry = try await trash(kept)
        await expectFailure(.conflict, "before its time") { try await images.emptyTrash(entry, early: false) }
        // Ceph refuses it by itself, to somebody who takes it for one that only waits.
        let taken = TrashedImage(in: entry.place, id: entry.id, of: entry.volume, uid: entry.uid)
        await expectFailure(nil, "before its time, as Ceph has it") { try await images.emptyTrash(taken, early: false) }
        #expect(try await images.kept(entry)?.kept == kept.note)
        for _ in 1...2 { try await images.emptyTrash(entry, early: true) }
        #expect(try await images.kept(entry) == nil)
        await expectFailure(.notFound, "what is deleted") {
            try await images.restoreFromTrash(entry, as: kept.image.name)
        }
    }

    private func keptNameTaken() async throws {
        let kept = try await leaving("taken")
        let entry = try await trash(kept)
        let other = try await images.create(kept.image, spec: place.spec(), uid: "other")
        await expectFailure(.alreadyExists, "a taken name") {
            try await images.restoreFromTrash(entry, as: kept.image.name)
        }
        #expect(try await images.inspect(kept.image)?.id == other)
        #expect(try await self.entry(kept) == entry)
        try await images.remove(kept.image, id: other)
        try await images.restoreFromTrash(entry, as: kept.image.name)
        #expect(try await images.inspect(kept.image)?.id == kept.id)
        try await images.remove(kept.image, id: kept.id)
    }

    private func keptIsAbsent() async throws {
        let never = TrashedImage(
            in: place.image("never").trash, id: "1234567890ab", of: try VolumeName("never"), uid: "u")
        #expect(try await images.kept(never) == nil)
        await expectFailure(.notFound, "no image") {
            try await images.restoreFromTrash(never, as: place.image("never").name)
        }
        await expectFailure(.notFound, "no image") {
            let kept = try await leaving("gone")
            try await images.remove(kept.image, id: kept.id)
            try await images.keep(kept.note, in: kept.image, id: kept.id)
        }
        // Whatever has no note of the plugin's says nothing.
        let kept = try await leaving("silent")
        try await images.moveToTrash(kept.image, id: kept.id, as: kept.name, keepingUntil: kept.note.term.until)
        let found = try await images.kept(entry(kept))
        #expect(found?.kept == nil && found?.uid == kept.note.volume.uid)
        try await delete(kept)
    }

    private func keptGoesOn() async throws {
        let kept = try await leaving("cut")
        // Cut off between the new name and the trash.
        try await images.rename(kept.image, to: kept.name)
        let entry = try await trash(kept)
        #expect(entry.keptUntil.map { $0 >= kept.note.term.until } == true)
        try await images.restoreFromTrash(entry, as: kept.image.name)
        #expect(try await images.inspect(kept.image)?.id == kept.id)
        let again = try await trash(kept)
        #expect(again == entry || again.keptUntil != entry.keptUntil)
        try await delete(kept)
    }
}

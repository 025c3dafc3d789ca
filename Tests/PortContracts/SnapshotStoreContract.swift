import Synchronization
import Testing
import VolumeCore

/// What every `SnapshotStore` promises.
public struct SnapshotStoreContract: Sendable {
    let snapshots: any SnapshotStore
    let images: any ImageStore
    let place: ImagePlace

    public init(snapshots: any SnapshotStore, images: any ImageStore, place: ImagePlace) {
        self.snapshots = snapshots
        self.images = images
        self.place = place
    }

    public static let promises: [ContractCase<Self>] = [
        .init("a snapshot is listed with its size and its mark, oldest first") { try await $0.takes() },
        .init("taken again with the same token it is the same one, and not new; with another the name is taken") {
            try await $0.takesOnce()
        },
        .init("a person's snapshot has no mark, and its name is taken") { try await $0.foreign() },
        .init("the mark of a removed snapshot is not the mark of the next one of its name") {
            try await $0.nextOfName()
        },
        .init("a mark changes, and survives a rename of the image") { try await $0.marks() },
        .init("removing takes the very snapshot away, and succeeds when it is gone") { try await $0.removes() },
        .init("a held snapshot is not removed before that is lifted") { try await $0.held() },
        .init("one that is taken for a slot says so, and an attempt that was cut off is told by its token") {
            try await $0.slots()
        },
        .init("the snapshots of an image in the trash are listed and removed by the image's id") {
            try await $0.trashed()
        },
        .init("a snapshot of an image in the trash tells Ceph's own time, and goes again") {
            try await $0.tellsTime()
        },
        .init("an image rolled back is what it was, also in size") { try await $0.rollsBack() },
        .init("of an image that is half rolled back none is taken, unless that is wanted") { try await $0.mixture() },
        .init("nothing is done to an image of another id, nor with a snapshot that is not there") {
            try await $0.missing()
        },
    ]

    private func mark(_ token: String, _ consistency: SnapshotMark.Consistency = .unmounted) -> SnapshotMark {
        SnapshotMark(consistency: consistency, by: "operator@n1", token: token)
    }

    private func takes() async throws {
        try await withImage("takes") { image, id in
            #expect(try await snapshots.snapshots(of: image, id: id) == [])
            let first = try await snapshots.take(SnapshotName("b.first"), of: image, id: id, mark: mark("t1")).snapshot
            try await images.grow(image, id: id, to: .mebibytes(80))
            let second = try await snapshots.take(SnapshotName("a-second"), of: image, id: id, mark: mark("t2", .crash))
                .snapshot
            #expect(first.mark == mark("t1") && first.name == "b.first" && first.size == place.spec().size)
            #expect(second.size == .mebibytes(80) && second.takenAt >= first.takenAt)
            #expect(try await snapshots.snapshots(of: image, id: id) == [first, second])
            #expect(try await images.inspect(image)?.snapshots.sorted() == ["a-second", "b.first"])
        }
    }

    private func takesOnce() async throws {
        try await withImage("once") { image, id in
            let name = try SnapshotName("s")
            let first = try await snapshots.take(name, of: image, id: id, mark: mark("t1"))
            #expect(first.isNew)
            let taken = first.snapshot
            let again = try await snapshots.take(name, of: image, id: id, mark: mark("t1"))
            #expect(again == TakenSnapshot(taken, isNew: false))
            await expectFailure(.alreadyExists, "another one of the name") {
                _ = try await snapshots.take(name, of: image, id: id, mark: mark("t2"))
            }
            #expect(try await snapshots.snapshots(of: image, id: id) == [taken])
        }
    }

    private func foreign() async throws {
        try await withImage("foreign") { image, id in
            try await place.addSnapshot(image, "s")
            await expectFailure(.alreadyExists, "a name that a person has used") {
                _ = try await snapshots.take(SnapshotName("s"), of: image, id: id, mark: mark("t1"))
            }
            let found = try await snapshots.snapshots(of: image, id: id)
            #expect(found.map(\.name) == ["s"] && found.first?.mark == nil)
        }
    }

    private func nextOfName() async throws {
        try await withImage("next") { image, id in
            let taken = try await snapshots.take(SnapshotName("s"), of: image, id: id, mark: mark("t1")).snapshot
            try await snapshots.remove(taken.id, of: image, id: id)
            try await place.addSnapshot(image, "s")
            let found = try #require(try await snapshots.snapshots(of: image, id: id).first)
            #expect(found.id != taken.id && found.mark == nil)
        }
    }

    private func marks() async throws {
        let image = place.image("marked")
        let id = try await images.create(image, spec: place.spec(), uid: "uid-marked")
        var taken = try await snapshots.take(SnapshotName("s"), of: image, id: id, mark: mark("t1")).snapshot
        taken.mark?.isHeld = true
        try await snapshots.mark(taken.id, of: image, id: id, try #require(taken.mark))
        let renamed = image.named(image.name + ".renamed")
        try await images.rename(image, to: renamed.name)
        #expect(try await snapshots.snapshots(of: renamed, id: id) == [taken])
        taken.mark?.isHeld = false
        try await snapshots.mark(taken.id, of: renamed, id: id, try #require(taken.mark))
        try await snapshots.remove(taken.id, of: renamed, id: id)
        try await images.remove(renamed, id: id)
    }

    private func removes() async throws {
        try await withImage("removes") { image, id in
            let kept = try await snapshots.take(SnapshotName("kept"), of: image, id: id, mark: mark("t1")).snapshot
            let gone = try await snapshots.take(SnapshotName("gone"), of: image, id: id, mark: mark("t2")).snapshot
            for _ in 1...2 { try await snapshots.remove(gone.id, of: image, id: id) }
            #expect(try await snapshots.snapshots(of: image, id: id) == [kept])
        }
    }

    private func held() async throws {
        try await withImage("held") { image, id in
            var taken = try await snapshots.take(SnapshotName("s"), of: image, id: id, mark: mark("t1")).snapshot
            taken.mark?.isHeld = true
            try await snapshots.mark(taken.id, of: image, id: id, try #require(taken.mark))
            await expectFailure(.conflict, "a held one") {
                try await snapshots.remove(taken.id, of: image, id: id)
            }
            #expect(try await snapshots.snapshots(of: image, id: id) == [taken])
            taken.mark?.isHeld = false
            try await snapshots.mark(taken.id, of: image, id: id, try #require(taken.mark))
            try await snapshots.remove(taken.id, of: image, id: id)
            #expect(try await snapshots.snapshots(of: image, id: id) == [])
        }
    }

    private func slots() async throws {
        try await withImage("slots") { image, id in
            let slot = WallTime(seconds: 1_790_000_000)
            let name = try ScheduleRule.name(of: slot)
            let mark = SnapshotMark.scheduled(slot, consistency: .crash, by: "n1")
            let taken = try await snapshots.take(name, of: image, id: id, mark: mark).snapshot
            #expect(taken.kind == .scheduled && taken.mark?.slot == slot && taken.attempt == nil)
            // Another node has the same token, and finds the same snapshot.
            let other = SnapshotMark.scheduled(slot, consistency: .crash, by: "n2")
            #expect(try await snapshots.take(name, of: image, id: id, mark: other).snapshot == taken)
            #expect(try await snapshots.snapshots(of: image, id: id) == [taken])
            #expect(taken.isScheduledAndFree && taken.unfinishedSlot == nil)
        }
    }

    private func trashed() async throws {
        let image = place.image("trashed")
        let uid = "uid-trashed"
        let id = try await images.create(image, spec: place.spec(), uid: uid)
        let taken = try await snapshots.take(SnapshotName("s"), of: image, id: id, mark: mark("t1")).snapshot
        let removed = VolumeRecord.removedPrefix + uid + "." + "vol"
        try await images.moveToTrash(image, id: id, as: removed)
        let entry = try #require(TrashedImage(in: image.trash, id: id, named: removed))
        await expectFailure(.busy, "an image with a snapshot") { try await images.emptyTrash(entry) }
        #expect(try await snapshots.snapshots(of: image, id: id) == [taken])
        try await snapshots.remove(taken.id, of: image, id: id)
        #expect(try await snapshots.snapshots(of: image, id: id) == [])
        try await images.emptyTrash(entry)
    }

    private func tellsTime() async throws {
        let (image, uid) = (place.image("time"), Fresh.name("uid"))
        let id = try await images.create(image, spec: place.spec(), uid: uid)
        try await images.moveToTrash(image, id: id, as: VolumeRecord.removedPrefix + uid + ".vol")
        var times: [WallTime] = []
        for _ in 1...2 {
            let taken = try await snapshots.take(SnapshotName("clock"), of: image, id: id, mark: mark("t1")).snapshot
            #expect(
                try await snapshots.take(SnapshotName("clock"), of: image, id: id, mark: mark("t1")).snapshot == taken)
            times.append(taken.takenAt)
            try await snapshots.remove(taken.id, of: image, id: id)
        }
        #expect(times[0] <= times[1] && times[0].seconds > 1_700_000_000)
        try await images.emptyTrash(TrashedImage(in: image.trash, id: id, of: VolumeName("vol"), uid: uid))
    }

    private func rollsBack() async throws {
        try await withImage("back") { image, id in
            let taken = try await snapshots.take(SnapshotName("s"), of: image, id: id, mark: mark("t1")).snapshot
            try await images.grow(image, id: id, to: .mebibytes(80))
            let told = Mutex<[Int]>([])
            try await snapshots.rollBack(image, id: id, to: taken.id) { percent in told.withLock { $0.append(percent) }
            }
            let isPercent = told.withLock { $0.allSatisfy((0...100).contains) }
            #expect(isPercent)
            let client = try await snapshots.client()
            #expect(try await snapshots.client() == client)
            let found = try await images.inspect(image)
            #expect(found?.size == place.spec().size && found?.rollingBackTo == nil)
            try await snapshots.acceptHalfRolledBack(image, id: id)
            #expect(try await snapshots.snapshots(of: image, id: id) == [taken])
        }
    }

    private func mixture() async throws {
        try await withImage("mixture") { image, id in
            let sunday = try await snapshots.take(SnapshotName("sunday"), of: image, id: id, mark: mark("t1")).snapshot
            try await place.breakOffRollBack(image, id, sunday.id)
            #expect(try await images.inspect(image)?.rollingBackTo == sunday.id)
            let monday = try SnapshotName("monday")
            await expectFailure(.conflict, "a mixture") {
                _ = try await snapshots.take(monday, of: image, id: id, mark: mark("t2"))
            }
            #expect(try await snapshots.snapshots(of: image, id: id) == [sunday])
            let wanted = try await snapshots.take(monday, of: image, id: id, mark: mark("t2"), evenIfChanging: true)
            #expect(wanted.isNew)
            try await snapshots.acceptHalfRolledBack(image, id: id)
            let again = try await snapshots.take(monday, of: image, id: id, mark: mark("t2"))
            #expect(again == TakenSnapshot(wanted.snapshot, isNew: false))
            _ = try await snapshots.take(SnapshotName("tuesday"), of: image, id: id, mark: mark("t3"))
        }
    }

    private func missing() async throws {
        try await withImage("missing") { image, id in
            await expectFailure(.notFound, "another id") {
                _ = try await snapshots.take(SnapshotName("s"), of: image, id: "123456789abc", mark: mark("t1"))
            }
            await expectFailure(.notFound, "listing by another id") {
                _ = try await snapshots.snapshots(of: image, id: "123456789abc")
            }
            await expectFailure(.notFound, "a mark for nothing") {
                try await snapshots.mark(4_000_000, of: image, id: id, mark("t1"))
            }
            await expectFailure(.notFound, "back to nothing") {
                try await snapshots.rollBack(image, id: id, to: 4_000_000) { _ in }
            }
            let found = try await images.inspect(image)
            #expect(found?.snapshots == [])
        }
    }

    /// Runs `body` with an image of its own, and takes it away with its snapshots.
    private func withImage(_ hint: String, _ body: (ImageReference, String) async throws -> Void) async throws {
        let image = place.image(hint)
        let id = try await images.create(image, spec: place.spec(), uid: "uid-\(hint)")
        try await cleaningUp {
            try await body(image, id)
        } after: {
            for left in try await snapshots.snapshots(of: image, id: id) {
                try await snapshots.remove(left.id, of: image, id: id)
            }
            try await images.remove(image, id: id)
        }
    }
}

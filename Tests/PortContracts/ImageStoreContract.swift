import Testing
import VolumeCore

/// What every `ImageStore` promises.
public struct ImageStoreContract: Sendable {
    let images: any ImageStore
    let mapper: any DeviceMapper
    let clock: any DriverClock
    let place: ImagePlace

    public init(images: any ImageStore, mapper: any DeviceMapper, clock: any DriverClock, place: ImagePlace) {
        self.images = images
        self.mapper = mapper
        self.clock = clock
        self.place = place
    }

    public static let promises: [ContractCase<Self>] =
        [
            .init("no image is nil, not an error") { try await $0.absent() },
            .init("a created image is what was asked for, and bears the uid") { try await $0.creates() },
            .init("an image is striped as asked for, and one object after the other where nothing is asked") {
                try await $0.stripes()
            },
            .init("an image in a namespace is another one than in the pool itself") { try await $0.namespaces() },
            .init("data go to the data pool") { try await $0.dataPool() },
            .init("a taken name is refused, and what is there stays as it is") { try await $0.taken() },
            .init("a renamed image keeps id and uid, and leaves its old name") { try await $0.renames() },
            .init("a rename onto a taken name is refused and changes nothing") { try await $0.renameTaken() },
            .init("an image that does not exist can be neither renamed nor marked") { try await $0.missing() },
            .init("mark writes the uid, also over another one") { try await $0.marks() },
            .init("D11: a blank image bears no filesystem, and looking leaves no trace") {
                try await $0.noFilesystem()
            },
            .init("an image grows, also while it is mapped, and never shrinks") { try await $0.grows() },
            .init("an image of another id does not grow") { try await $0.growsByID() },
            .init("remove takes the image away, and succeeds when there is none") { try await $0.removes() },
            .init("remove leaves an image with another id alone") { try await $0.wrongID() },
            .init("B2: remove is busy while there are snapshots, and inspect names them") { try await $0.snapshots() },
            .init("remove is busy while the image is mapped") { try await $0.mapped() },
            .init("B11: a trashed image frees its name, is listed as the volume's, and is deleted for good later") {
                try await $0.trash()
            },
            .init("B11: trashing goes on where it was cut off, and succeeds when there is nothing left to do") {
                try await $0.trashAgain()
            },
            .init("B11: an image with another id is not trashed") { try await $0.trashWrongID() },
            .init("B11: what others put into the trash is not listed, and an image with another uid is not deleted") {
                try await $0.foreignTrash()
            },
            .init("an image that is there is no remains, and where nothing is, nothing is cleared") {
                try await $0.remains()
            },
            .init("the plugin's own handles are no watchers") { try await $0.ownHandles() },
            .init("a mapping is a watcher until it is gone, and inspect says the same") { try await $0.watchers() },
            .init("names are those that begin so, each place by itself") { try await $0.names() },
            .init("preflight accepts what can be created, and creates nothing") { try await $0.preflight() },
            .init("preflight refuses missing pools and namespaces, by name") { try await $0.preflightPlaces() },
            .init("preflight refuses a size beyond the pool") { try await $0.preflightSize() },
        ] + writerPromises + keptPromises

    private func absent() async throws {
        #expect(try await images.inspect(place.image("absent")) == nil)
        #expect(try await images.inspect(place.image("absent", namespaced: true)) == nil)
    }

    /// Creates an image, lends it with its id, and removes it again.
    func withImage(
        _ hint: String, _ spec: VolumeSpec? = nil, _ body: (ImageReference, String) async throws -> Void
    ) async throws {
        let image = place.image(hint)
        let id = try await images.create(image, spec: spec ?? place.spec(), uid: "uid-\(hint)")
        try await cleaningUp {
            try await body(image, id)
        } after: {
            try await images.remove(image, id: nil)
        }
    }

    private func creates() async throws {
        let spec = VolumeSpec(pool: place.pool, size: .mebibytes(20), order: 20, features: [.layering, .exclusiveLock])
        try await withImage("create", spec) { image, id in
            let found = try #require(await images.inspect(image))
            #expect(!id.isEmpty)
            #expect(
                found
                    == ImageDescription(
                        id: id, size: .mebibytes(20), order: 20, features: [.layering, .exclusiveLock],
                        uid: "uid-create", watchers: []))
        }
        try await withImage("create") { image, _ in
            let found = try await images.inspect(image)
            #expect(found?.features == .standard)
        }
    }

    private func stripes() async throws {
        var spec = VolumeSpec(pool: place.pool, size: .mebibytes(20), order: 20, features: [.layering, .exclusiveLock])
        (spec.stripeUnit, spec.stripeCount) = (64 << 10, 4)
        try await withImage("striped", spec) { image, _ in
            let found = try await images.inspect(image)
            #expect(found?.striping == ImageStriping(unit: 64 << 10, count: 4))
            #expect(found?.features == [.layering, .exclusiveLock, .striping])
        }
        // Each object is filled before the next: in other words what every image is.
        (spec.stripeUnit, spec.stripeCount) = (1 << 20, 1)
        try await withImage("unstriped", spec) { image, _ in
            let found = try await images.inspect(image)
            #expect(found?.striping == nil)
            #expect(found?.features == [.layering, .exclusiveLock])
        }
    }

    private func noFilesystem() async throws {
        try await withImage("blank") { image, _ in
            let before = try await images.inspect(image)
            #expect(try await images.filesystems(on: image) == [])
            #expect(try await images.inspect(image) == before)
        }
        let absent = place.image("absent")
        await expectFailure(.notFound, "the filesystem on no image") { _ = try await images.filesystems(on: absent) }
    }

    private func remains() async throws {
        try await withImage("remains") { image, id in
            try await images.clearRemains(of: image)
            #expect(try await images.inspect(image)?.id == id)
        }
        try await images.clearRemains(of: place.image("nothing"))
        try await images.clearRemains(of: place.image("nothing", namespaced: true))
    }

    private func namespaces() async throws {
        let inner = place.image("namespace", namespaced: true)
        let outer = ImageReference(pool: inner.pool, name: inner.name)
        let id = try await images.create(inner, spec: place.spec(namespaced: true), uid: "inner")
        try await cleaningUp {
            #expect(try await images.inspect(outer) == nil)
            try await images.remove(outer, id: nil)
            #expect(try await images.inspect(inner)?.id == id)
        } after: {
            try await images.remove(inner, id: id)
        }
        #expect(try await images.inspect(inner) == nil)
    }

    private func dataPool() async throws {
        var spec = place.spec()
        spec.dataPool = place.dataPool
        try await withImage("data", spec) { image, _ in
            let found = try await images.inspect(image)
            #expect(found?.features == .standard.union(.dataPool))
        }
    }

    private func taken() async throws {
        try await withImage("taken") { image, _ in
            let before = try await images.inspect(image)
            var larger = place.spec()
            larger.size = .mebibytes(64)
            await expectFailure(.alreadyExists, "create over an image") {
                _ = try await images.create(image, spec: larger, uid: "intruder")
            }
            #expect(try await images.inspect(image) == before)
        }
    }

    private func renames() async throws {
        try await withImage("rename") { image, id in
            let target = place.image("renamed")
            try await images.rename(image, to: target.name)
            try await images.finishRename(image, to: target.name)
            try await cleaningUp {
                #expect(try await images.inspect(image) == nil)
                let found = try await images.inspect(target)
                #expect(found?.id == id)
                #expect(found?.uid == "uid-rename")
            } after: {
                try await images.remove(target, id: id)
            }
        }
    }

    private func renameTaken() async throws {
        try await withImage("source") { source, sourceID in
            try await withImage("target") { target, targetID in
                await expectFailure(.alreadyExists, "rename onto an image") {
                    try await images.rename(source, to: target.name)
                }
                try await images.finishRename(source, to: target.name)
                let (atSource, atTarget) = try await (images.inspect(source), images.inspect(target))
                #expect(atSource?.id == sourceID)
                #expect(atTarget?.id == targetID)
                #expect(atTarget?.uid == "uid-target")
            }
        }
    }

    private func missing() async throws {
        let image = place.image("missing")
        await expectFailure(nil, "rename of no image") { try await images.rename(image, to: image.name + "2") }
        await expectFailure(nil, "mark of no image") { try await images.mark(image, uid: "uid") }
        #expect(try await images.inspect(image) == nil)
        #expect(try await images.inspect(image.named(image.name + "2")) == nil)
    }

    private func marks() async throws {
        try await withImage("mark") { image, id in
            try await images.mark(image, uid: "another")
            try await images.mark(image, uid: "another")
            let found = try await images.inspect(image)
            #expect(found?.uid == "another")
            #expect(found?.id == id)
        }
    }

    private func grows() async throws {
        try await withImage("grow") { image, id in
            let before = try #require(try await images.inspect(image)?.size)
            let (larger, largest) = (VolumeSize(bytes: before.bytes * 2), VolumeSize(bytes: before.bytes * 3))
            try await images.grow(image, id: id, to: larger)
            #expect(try await images.inspect(image)?.size == larger)
            let device = try await mapper.map(image, id: id, options: [])
            try await cleaningUp {
                try await images.grow(image, id: id, to: largest)
                try await mapper.grow(device, to: largest)
                #expect(try await mapper.size(of: device) == largest)
                // Nor does it take the mapping's lock or watch away.
                #expect(try await images.inspect(image)?.watchers == [device.client].compactMap(\.self))
            } after: {
                try await mapper.unmap(device)
            }
            for smaller in [before, larger, largest] { try await images.grow(image, id: id, to: smaller) }
            let found = try await images.inspect(image)
            #expect(found?.size == largest && found?.id == id && found?.uid == "uid-grow")
        }
    }

    private func growsByID() async throws {
        try await withImage("grow-id") { image, id in
            let before = try await images.inspect(image)?.size
            await expectFailure(.notFound, "growing an image that is gone") {
                try await images.grow(image, id: id + "0", to: .gibibytes(1))
            }
            #expect(try await images.inspect(image)?.size == before)
            // Its name may be another image's by now.
            try await images.grow(image.named("no-such-name"), id: id, to: .gibibytes(1))
            #expect(try await images.inspect(image)?.size == .gibibytes(1))
        }
    }

    private func removes() async throws {
        try await withImage("remove") { image, id in
            try await images.remove(image, id: id)
            #expect(try await images.inspect(image) == nil)
            try await images.remove(image, id: id)
            try await images.remove(image, id: nil)
        }
        try await withImage("remove") { image, _ in
            try await images.remove(image, id: nil)
            #expect(try await images.inspect(image) == nil)
        }
    }

    private func removedName(_ uid: String, _ volume: String) -> String {
        "\(VolumeRecord.removedPrefix)\(uid).\(volume)"
    }

    private func trashed(_ image: ImageReference, uid: String) async throws -> TrashedImage? {
        #expect(try await images.trashPlaces().contains(image.trash))
        return try await images.trashed(in: image.trash).first { $0.uid == uid }
    }

    private func trash() async throws {
        for namespaced in [false, true] {
            let (image, uid) = (place.image("trash", namespaced: namespaced), Fresh.name("uid"))
            let id = try await images.create(image, spec: place.spec(namespaced: namespaced), uid: uid)
            try await images.moveToTrash(image, id: id, as: removedName(uid, "db.1"))
            #expect(try await images.inspect(image) == nil)
            let entry = try #require(await trashed(image, uid: uid))
            #expect(entry.id == id && entry.volume.text == "db.1" && entry.place == image.trash)

            let next = try await images.create(image, spec: place.spec(namespaced: namespaced), uid: "next")
            for _ in 1...2 {
                try await images.emptyTrash(entry)
                #expect(try await trashed(image, uid: uid) == nil)
            }
            #expect(try await images.inspect(image)?.id == next)
            try await images.remove(image, id: next)
        }
    }

    private func trashAgain() async throws {
        let (image, uid) = (place.image("again"), Fresh.name("uid"))
        let removed = removedName(uid, "db")
        try await images.moveToTrash(image, id: nil, as: removed)
        try await images.moveToTrash(image, id: "0", as: removed)
        // Cut off between the new name and the trash, with and without knowing the id.
        for knowsID in [true, false] {
            let id = try await images.create(image, spec: place.spec(), uid: uid)
            try await images.rename(image, to: removed)
            for _ in 1...2 { try await images.moveToTrash(image, id: knowsID ? id : nil, as: removed) }
            #expect(try await images.inspect(image.named(removed)) == nil)
            try await images.emptyTrash(#require(await trashed(image, uid: uid)))
        }
    }

    private func trashWrongID() async throws {
        try await withImage("trash-id") { image, id in
            await expectFailure(.foreignImage, "trashing an image with another id") {
                try await images.moveToTrash(image, id: id + "0", as: removedName("u", "db"))
            }
            let found = try await images.inspect(image)
            #expect(found?.id == id)
        }
    }

    private func foreignTrash() async throws {
        let (image, uid) = (place.image("foreign-trash"), Fresh.name("uid"))
        let id = try await images.create(image, spec: place.spec(), uid: uid)
        try await place.trashByHand(image)
        try await cleaningUp {
            #expect(try await trashed(image, uid: uid) == nil)
            #expect(try await images.trashed(in: image.trash).allSatisfy { $0.id != id })
            let entry = try #require(TrashedImage(in: image.trash, id: id, named: removedName("another", "db")))
            await expectFailure(.foreignImage, "deleting an image of another volume") {
                try await images.emptyTrash(entry)
            }
        } after: {
            try await place.deleteFromTrash(image, id)
        }
    }

    private func wrongID() async throws {
        try await withImage("other-id") { image, id in
            await expectFailure(.foreignImage, "remove of an image with another id") {
                try await images.remove(image, id: id + "0")
            }
            let found = try await images.inspect(image)
            #expect(found?.id == id)
        }
    }

    private func snapshots() async throws {
        try await withImage("snapshot") { image, id in
            try await place.addSnapshot(image, "s1")
            try await cleaningUp {
                await expectFailure(.busy, "remove of an image with a snapshot") {
                    try await images.remove(image, id: id)
                }
                let found = try await images.inspect(image)
                #expect(found?.id == id)
                #expect(found?.uid == "uid-snapshot")
                #expect(found?.snapshots == ["s1"])
            } after: {
                try await place.removeSnapshot(image, "s1")
            }
            #expect(try await images.inspect(image)?.snapshots == [])
        }
    }

    private func mapped() async throws {
        try await withImage("mapped") { image, id in
            let device = try await mapper.map(image, id: nil, options: [])
            try await cleaningUp {
                await expectFailure(.busy, "remove of a mapped image") { try await images.remove(image, id: id) }
                let found = try await images.inspect(image)
                #expect(found?.id == id)
                #expect(found?.uid == "uid-mapped")
            } after: {
                try await mapper.unmap(device)
            }
        }
    }

    private func ownHandles() async throws {
        try await withImage("own") { image, _ in
            #expect(try await images.watchers(of: image) == [])
            try await images.mark(image, uid: "marked")
            #expect(try await images.inspect(image)?.watchers == [])
            #expect(try await images.watchers(of: image) == [])
        }
    }

    private func watchers() async throws {
        try await withImage("watched") { image, _ in
            let device = try await mapper.map(image, id: nil, options: [])
            try await cleaningUp {
                let watchers = try await images.watchers(of: image)
                #expect(watchers.count == 1)
                #expect(device.client == nil || watchers == [device.client])
                #expect(try await images.inspect(image)?.watchers == watchers)
            } after: {
                try await mapper.unmap(device)
            }
            try await eventually("the watcher goes", on: clock) { try await images.watchers(of: image) == [] }
            #expect(try await images.inspect(image)?.watchers == [])
        }
        let absent = place.image("unwatched")
        await expectFailure(.notFound, "watchers of no image") { _ = try await images.watchers(of: absent) }
    }

    private func names() async throws {
        try await withImage("listed") { image, _ in
            let found = try await images.names(in: image.pool, namespace: image.namespace, withPrefix: image.name)
            #expect(found == [image.name])
            let half = String(image.name.dropLast(3))
            #expect(try await images.names(in: image.pool, namespace: "", withPrefix: half).contains(image.name))
            #expect(try await images.names(in: image.pool, namespace: "", withPrefix: "x" + image.name).isEmpty)
            let other = place.image("listed", namespaced: true)
            let elsewhere = try await images.names(
                in: other.pool, namespace: other.namespace, withPrefix: image.name)
            #expect(elsewhere.isEmpty)
        }
    }

    private func preflight() async throws {
        try await images.preflight(place.spec())
        try await images.preflight(place.spec(namespaced: true))
        var spec = place.spec()
        spec.dataPool = place.dataPool
        try await images.preflight(spec)
    }

    private func preflightPlaces() async throws {
        let missing = Fresh.name("nowhere")
        var spec = place.spec()
        spec.pool = missing
        await expectRefusal("a missing pool", of: spec, naming: missing)
        spec = place.spec()
        spec.namespace = missing
        await expectRefusal("a missing namespace", of: spec, naming: missing)
        spec = place.spec()
        spec.dataPool = missing
        await expectRefusal("a missing data pool", of: spec, naming: missing)
    }

    private func preflightSize() async throws {
        var spec = place.spec()
        spec.size = .maximum
        await expectRefusal("4 PiB", of: spec, naming: place.pool)
    }

    private func expectRefusal(_ what: String, of spec: VolumeSpec, naming name: String) async {
        let error = await expectFailure(nil, what) { try await images.preflight(spec) }
        #expect(error?.outcome == .refused, "\(what)")
        #expect(error.map { "\($0)".contains(name) } ?? false, "\(what): \(name) is not named")
    }
}

/// Where a suite may make images.
public struct ImagePlace: Sendable {
    let pool: String
    let namespace: String
    let dataPool: String
    let addSnapshot: @Sendable (ImageReference, String) async throws -> Void
    let removeSnapshot: @Sendable (ImageReference, String) async throws -> Void
    let resize: @Sendable (ImageReference, VolumeSize) async throws -> Void
    let obscureLockOwner: @Sendable (ImageReference) async throws -> Void
    let trashByHand: @Sendable (ImageReference) async throws -> Void
    let deleteFromTrash: @Sendable (ImageReference, String) async throws -> Void
    let allocated: @Sendable (ImageReference) async throws -> UInt64
    let breakOffRollBack: @Sendable (ImageReference, String, UInt64) async throws -> Void

    /// - Parameters:
    ///   - pool: an existing pool.
    ///   - namespace: an existing namespace in it.
    ///   - dataPool: another existing pool.
    ///   - addSnapshot: `rbd snap create`; `removeSnapshot` and `resize` likewise, beside the ports.
    ///   - obscureLockOwner: makes Ceph show the client that holds the image's lock with an address that names no client.
    ///   - trashByHand: `rbd trash mv`; `deleteFromTrash`: `rbd trash rm` of an image id, which must be there.
    ///   - allocated: how many bytes Ceph keeps for an image.
    ///   - breakOffRollBack: has the image of that id say that it is being rolled back to that snapshot.
    public init(
        pool: String, namespace: String, dataPool: String,
        addSnapshot: @escaping @Sendable (ImageReference, String) async throws -> Void,
        removeSnapshot: @escaping @Sendable (ImageReference, String) async throws -> Void,
        resize: @escaping @Sendable (ImageReference, VolumeSize) async throws -> Void,
        obscureLockOwner: @escaping @Sendable (ImageReference) async throws -> Void,
        trashByHand: @escaping @Sendable (ImageReference) async throws -> Void,
        deleteFromTrash: @escaping @Sendable (ImageReference, String) async throws -> Void,
        allocated: @escaping @Sendable (ImageReference) async throws -> UInt64,
        breakOffRollBack: @escaping @Sendable (ImageReference, String, UInt64) async throws -> Void
    ) {
        self.pool = pool
        self.namespace = namespace
        self.dataPool = dataPool
        self.addSnapshot = addSnapshot
        self.removeSnapshot = removeSnapshot
        self.resize = resize
        self.obscureLockOwner = obscureLockOwner
        self.trashByHand = trashByHand
        self.deleteFromTrash = deleteFromTrash
        self.allocated = allocated
        self.breakOffRollBack = breakOffRollBack
    }

    func image(_ hint: String, namespaced: Bool = false) -> ImageReference {
        ImageReference(pool: pool, namespace: namespaced ? namespace : "", name: Fresh.name(hint))
    }

    func spec(_ filesystem: FilesystemType = .ext4, namespaced: Bool = false) -> VolumeSpec {
        VolumeSpec(
            pool: pool, namespace: namespaced ? namespace : "",
            size: max(filesystem.facts.minimumSize, .mebibytes(32)), filesystem: filesystem)
    }
}

/// Does `cleanUp` whether or not `body` throws. The first error is the one that counts.
func cleaningUp(
    _ body: () async throws -> Void, after cleanUp: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch {
        try? await cleanUp()
        throw error
    }
    try await cleanUp()
}

import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

@testable import CephStorage

extension CephTests {
    /// A Create leaves its new image open until it has the volume's name.
    @Suite("New images that wait for their names") struct FinishedImages {
        @Test("A new image gets its name while it is open, and is closed and whole then")
        func renamed() async throws {
            try await Self.withFinished { ceph, store, image, id in
                let volume = image.named(uniqueName("volume"))
                #expect(try await ceph.seen(id).watchers == 1)
                try await store.rename(image, to: volume.name)
                #expect(try await ceph.seen(id) == .init(watchers: 0, owners: 0))
                #expect(try await store.inspect(image) == nil)
                let found = try #require(try await store.inspect(volume))
                #expect(found.id == id)
                #expect(found.uid == "uid")
                let listed = try await ceph.images.list()
                #expect(listed.contains(ImageEntry(id: id, name: volume.name)))
                #expect(!listed.contains { $0.name == image.name })
                let bytes = try await ceph.images.withImage(.name(volume.name), .readOnly) {
                    try await $0.read(at: 0, count: 3)
                }
                #expect(bytes == [1, 2, 3])
                try await store.remove(volume, id: id)
            }
        }

        @Test("A name that is taken stays with its image, and the new one is closed under its own name")
        func taken() async throws {
            try await Self.withFinished { ceph, store, image, id in
                try await ceph.withImage { other in
                    let before = try await store.inspect(image.named(other))
                    let error = await #expect(throws: VolumeError.self) { try await store.rename(image, to: other) }
                    #expect(error?.code == .alreadyExists)
                    #expect(try await ceph.seen(id) == .init(watchers: 0, owners: 0))
                    #expect(try await store.inspect(image.named(other)) == before)
                    #expect(try await store.inspect(image)?.id == id)
                }
                try await store.remove(image, id: id)
            }
        }

        @Test("A new image whose lock another client has taken is renamed as any other")
        func lostLock() async throws {
            try await Self.withFinished { ceph, store, image, id in
                // The lock is handed over to a client that wants to write.
                try await CephFixture.with { other in
                    try await other.images.withImage(.name(image.name), .readWrite) { try await $0.write([9], at: 9) }
                }
                let volume = image.named(uniqueName("volume"))
                try await store.rename(image, to: volume.name)
                #expect(try await store.inspect(volume)?.id == id)
                try await store.remove(volume, id: id)
            }
        }

        @Test("A new image that has got another name meanwhile does not get the volume's")
        func withdrawn() async throws {
            try await Self.withFinished { ceph, store, image, id in
                let (aside, volume) = (uniqueName("aside"), image.named(uniqueName("volume")))
                try await ceph.renameByHand(image.name, to: aside, id)
                await #expect(throws: VolumeError.self) { try await store.rename(image, to: volume.name) }
                #expect(try await ceph.images.list().contains(ImageEntry(id: id, name: aside)))
                // Two names of one image, as after any rename that was cut off.
                try await ceph.images.finishRename(aside, to: volume.name)
                #expect(try await store.inspect(volume)?.id == id)
                try await store.remove(volume, id: id)
            }
        }

        @Test("A new image that nobody renames is closed after a moment")
        func forgotten() async throws {
            try await Self.withFinished { ceph, store, image, id in
                try await eventually("the image to be closed") {
                    try await ceph.seen(id) == .init(watchers: 0, owners: 0)
                }
                let volume = image.named(uniqueName("volume"))
                try await store.rename(image, to: volume.name)
                try await store.remove(volume, id: id)
            }
        }

        private static func withFinished(
            _ body: (CephFixture, CephImageStore, ImageReference, String) async throws -> Void
        ) async throws {
            try await CephFixture.with { ceph in
                let store = CephImageStore(connection: ceph.connection, clock: SystemClock())
                let image = ImageReference(pool: ceph.environment.pool, name: uniqueName("attempt"))
                let spec = VolumeSpec(pool: image.pool, size: .mebibytes(32))
                let id = try await store.create(image, spec: spec, uid: "uid", isToBeRenamed: true) {
                    try await $0.write([1, 2, 3], at: 0)
                    try await $0.flush()
                }
                try await body(ceph, store, image, id)
            }
        }
    }
}

private struct Seen: Equatable {
    var watchers: Int
    var owners: Int
}

extension CephFixture {
    /// How many clients have an image open for writing, and its lock, as another client sees it.
    fileprivate func seen(_ id: String) async throws -> Seen {
        try await CephFixture.with { other in
            try await other.images.withImage(.id(id), .readOnly) {
                Seen(watchers: try await $0.watchers().count, owners: try await $0.lockOwners().count)
            }
        }
    }

    /// The changes of a rename that another node was quicker with.
    fileprivate func renameByHand(_ name: String, to newName: String, _ id: String) async throws {
        func rados(_ arguments: String...) async throws {
            try await rig.run("rados", ["--pool", environment.pool] + arguments).checked()
        }
        try await rados("cp", "rbd_id.\(name)", "rbd_id.\(newName)")
        try await images.finishRename(name, to: newName)
    }
}

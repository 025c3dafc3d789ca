import CRbd
import FoundationEssentials
import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

@testable import CephStorage

extension CephTests {
    /// What `kill -9` leaves between the steps of librbd's create and remove.
    @Suite("Remains") struct Remains {
        /// What is left of the names: `rbd_create4` makes id object, entry in the directory and header in this order, and
        /// `rbd_remove` takes them away in another.
        @Test(
            "What a creation or a removal that was cut off has left is cleared",
            arguments: [(id: true, entry: true), (id: true, entry: false), (id: false, entry: true)])
        func creation(left: (id: Bool, entry: Bool)) async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("remains")
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.id(of: name)
                try await ceph.rados("rm", "rbd_header.\(id)")
                try await ceph.rados("rm", "rbd_object_map.\(id)")
                if !left.id { try await ceph.rados("rm", "rbd_id.\(name)") }
                if !left.entry { try await ceph.removeEntry(of: name, id) }
                #expect(try await ceph.objects(of: name, id) == (left.id ? ["rbd_id.\(name)"] : []))
                #expect(try await ceph.rig.images(in: ceph.environment.pool).contains(name) == left.entry)

                try await ceph.images.clearRemains(of: name)
                try await ceph.expectNothing(of: name, id)
                try await ceph.images.clearRemains(of: name)
            }
        }

        /// Cut off after its first step, a rename leaves the entry under the old name, after its second, under the new one.
        @Test("A rename that was cut off is finished, also while the image is in use", arguments: [false, true])
        func halfRenamed(entryIsMoved: Bool) async throws {
            try await CephFixture.with { ceph in
                let (old, new) = (uniqueName("old"), uniqueName("new"))
                let before = entryIsMoved ? new : old
                try await ceph.images.create(before, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.id(of: before)
                try await ceph.rados("cp", "rbd_id.\(before)", "rbd_id.\(entryIsMoved ? old : new)")
                try await ceph.images.withImage(.name(new), .readWrite) { image in
                    try await image.write([1], at: 0)
                    try await ceph.images.finishRename(old, to: new)
                    try await image.write([2], at: 1)
                }
                #expect(try await ceph.objects(of: new, id) == ["rbd_header.\(id)", "rbd_id.\(new)"])
                #expect(try await ceph.objects(of: old, id) == ["rbd_header.\(id)"])
                let listed = try await ceph.rig.images(in: ceph.environment.pool)
                #expect(listed.contains(new) && !listed.contains(old))
                try await ceph.images.finishRename(old, to: new)
                try await ceph.images.remove(new)
                try await ceph.expectNothing(of: new, id)
            }
        }

        @Test("Names of two images are left as they are")
        func twoImages() async throws {
            try await CephFixture.with { ceph in
                let names = [uniqueName("one"), uniqueName("two")]
                for name in names { try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout()) }
                try await ceph.images.finishRename(names[0], to: names[1])
                try await ceph.images.finishRename(names[0], to: uniqueName("none"))
                let listed = try await ceph.rig.images(in: ceph.environment.pool)
                #expect(names.allSatisfy(listed.contains))
                for name in names { try await ceph.images.remove(name) }
            }
        }

        /// `rbd_remove` notes in the trash that the image is on its way, takes the name from it in two steps, and notes that
        /// it is there.
        @Test(
            "A removal that was cut off on the way into the trash is finished",
            arguments: [(id: false, entry: false), (id: false, entry: true), (id: true, entry: true)], [false, true])
        func halfMoved(left: (id: Bool, entry: Bool), idIsKnown: Bool) async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("moving")
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.id(of: name)
                try await ceph.images.moveToTrash(name)
                let file = FileManager.default.temporaryDirectory.path + "/" + uniqueName("spec")
                defer { try? FileManager.default.removeItem(atPath: file) }
                try await ceph.rados("getomapval", "rbd_trash", "id_\(id)", file)
                // Two bytes of version, four of length, one of the source; the state is the last byte.
                var spec = [UInt8](try Data(contentsOf: URL(filePath: file)))
                #expect(spec.count > 8 && spec.last == 0)
                spec[6] = UInt8(RBD_TRASH_IMAGE_SOURCE_REMOVING.rawValue)
                spec[spec.count - 1] = 1
                try Data(spec).write(to: URL(filePath: file))
                try await ceph.rados("setomapval", "rbd_trash", "id_\(id)", "--input-file", file)
                if left.id {
                    try Data(Self.encoded(id)).write(to: URL(filePath: file))
                    try await ceph.rados("put", "rbd_id.\(name)", file)
                }
                if left.entry {
                    for (key, text) in [("name_\(name)", id), ("id_\(id)", name)] {
                        try Data(Self.encoded(text)).write(to: URL(filePath: file))
                        try await ceph.rados("setomapval", "rbd_directory", key, "--input-file", file)
                    }
                }
                if idIsKnown {
                    #expect(try await ceph.images.remove(name, id: id) == id)
                } else {
                    try await ceph.images.clearRemains(of: name)
                }
                try await ceph.expectNothing(of: name, id)
            }
        }

        /// Renamed by half, renamed, moved by half, or moved: a removal can be cut off at each of these.
        @Test(
            "B11: a removal that was cut off on its way into the trash goes on from there",
            arguments: [
                (id: false, entry: false), (id: false, entry: true), (id: true, entry: true),
            ], [false, true])
        func b11HalfTrashed(left: (id: Bool, entry: Bool), idIsKnown: Bool) async throws {
            try await CephFixture.with { ceph in
                let (name, removed) = (uniqueName("volume"), uniqueName("removed"))
                try await ceph.images.create(removed, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.id(of: removed)
                try await ceph.images.moveToTrash(removed)
                try await ceph.rewind(removed, id, left: left)
                for _ in 1...2 {
                    #expect(try await ceph.images.moveToTrash(name, id: idIsKnown ? id : nil, as: removed) == nil)
                }
                #expect(try await ceph.objects(of: removed, id) == ["rbd_header.\(id)"])
                let entry = try await ceph.images.listTrash().first { $0.id == id }
                #expect(entry?.name == removed)
                try await ceph.images.removeFromTrash(id: id)
                try await ceph.expectNothing(of: removed, id)
            }
        }

        @Test("B11: a removal whose rename was cut off goes on from there", arguments: [false, true])
        func b11HalfRenamed(entryIsMoved: Bool) async throws {
            try await CephFixture.with { ceph in
                let (name, removed) = (uniqueName("volume"), uniqueName("removed"))
                let before = entryIsMoved ? removed : name
                try await ceph.images.create(before, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.id(of: before)
                try await ceph.rados("cp", "rbd_id.\(before)", "rbd_id.\(entryIsMoved ? name : removed)")
                #expect(try await ceph.images.moveToTrash(name, id: id, as: removed) == nil)
                #expect(try await ceph.objects(of: name, id) == ["rbd_header.\(id)"])
                let entry = try await ceph.images.listTrash().first { $0.id == id }
                #expect(entry?.name == removed)
                try await ceph.images.removeFromTrash(id: id)
                for each in [name, removed] { try await ceph.expectNothing(of: each, id) }
            }
        }

        @Test("B11: an image of which only the entry in the trash is left is deleted")
        func b11HeadlessInTrash() async throws {
            try await CephFixture.with { ceph in
                let place = TrashPlace(pool: ceph.environment.pool)
                let name = uniqueName("volume")
                let removed = VolumeRecord.removedPrefix + uniqueName("uid") + ".db"
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.id(of: name)
                #expect(try await ceph.images.moveToTrash(name, id: id, as: removed) == nil)
                try await ceph.rados("rm", "rbd_header.\(id)")
                let store = CephImageStore(connection: ceph.connection, clock: SystemClock())
                let entry = try #require(try await store.trashed(in: place).first { $0.id == id })
                try await store.emptyTrash(entry)
                #expect(try await store.trashed(in: place).allSatisfy { $0.id != id })
                try await ceph.expectNothing(of: removed, id)
            }
        }

        static func encoded(_ text: String) -> [UInt8] {
            [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
        }

        @Test("An image without header is removed by its id, as far as it is there")
        func headless() async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("headless")
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.id(of: name)
                try await ceph.rados("rm", "rbd_header.\(id)")
                #expect(try await ceph.images.remove(name, id: id) == id)
                #expect(try await ceph.images.remove(name, id: id) == id)
                try await ceph.images.clearRemains(of: name)
                try await ceph.expectNothing(of: name, id)
            }
        }

        @Test("Removed by id is that image only, whatever its name leads to by now")
        func otherID() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let id = try await ceph.id(of: name)
                    #expect(try await ceph.images.remove(name, id: "other") == id)
                    #expect(try await ceph.id(of: name) == id)
                    try await ceph.images.withImage(.name(name), .readWrite) { _ in
                        let error = try await CephFixture.error { try await ceph.images.remove(name, id: id) }
                        #expect(error.isBusy)
                    }
                    #expect(try await ceph.images.remove(uniqueName("none"), id: id) == id)
                    #expect(try await ceph.id(of: name) == id)
                }
            }
        }

        @Test("An image that is whole, and one that a user has put into the trash, are left alone")
        func others() async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("whole")
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                try await ceph.images.clearRemains(of: name)
                let id = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.stat().id }
                try await ceph.images.moveToTrash(name)
                try await ceph.images.clearRemains(of: name)
                #expect(try await ceph.images.listTrash().map(\.id).contains(id))
                try await ceph.images.removeFromTrash(id: id, force: true)
            }
        }
    }
}

extension CephFixture {
    fileprivate func id(of name: String) async throws -> String {
        try await images.withImage(.name(name), .readOnly) { try await $0.stat().id }
    }

    /// Puts an image in the trash back to where it was on its way there.
    fileprivate func rewind(_ name: String, _ id: String, left: (id: Bool, entry: Bool)) async throws {
        let file = FileManager.default.temporaryDirectory.path + "/" + uniqueName("spec")
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await rados("getomapval", "rbd_trash", "id_\(id)", file)
        // The state is the last byte.
        var spec = [UInt8](try Data(contentsOf: URL(filePath: file)))
        spec[spec.count - 1] = 1
        try Data(spec).write(to: URL(filePath: file))
        try await rados("setomapval", "rbd_trash", "id_\(id)", "--input-file", file)
        if left.id {
            try Data(CephTests.Remains.encoded(id)).write(to: URL(filePath: file))
            try await rados("put", "rbd_id.\(name)", file)
        }
        guard left.entry else { return }
        for (key, text) in [("name_\(name)", id), ("id_\(id)", name)] {
            try Data(CephTests.Remains.encoded(text)).write(to: URL(filePath: file))
            try await rados("setomapval", "rbd_directory", key, "--input-file", file)
        }
    }

    @discardableResult
    fileprivate func rados(_ arguments: String...) async throws -> String {
        try await rig.run("rados", ["--pool", environment.pool] + arguments).checked().output
    }

    fileprivate func removeEntry(of name: String, _ id: String) async throws {
        for key in ["name_\(name)", "id_\(id)"] { try await rados("rmomapkey", "rbd_directory", key) }
    }

    /// The objects that librbd would find the image by.
    fileprivate func objects(of name: String, _ id: String) async throws -> [String] {
        let all = try await rados("ls").split(separator: "\n").map(String.init)
        return all.filter { $0 == "rbd_id.\(name)" || $0 == "rbd_header.\(id)" }.sorted()
    }

    /// Neither an object nor an entry of the directory or the trash.
    fileprivate func expectNothing(of name: String, _ id: String) async throws {
        #expect(try await objects(of: name, id).isEmpty)
        #expect(try await !rig.images(in: environment.pool).contains(name))
        for object in ["rbd_directory", "rbd_trash"] {
            #expect(try await !rados("listomapkeys", object).contains(id))
        }
    }
}

import CRbd
import FoundationEssentials
import RBDDriver
import Rig
import Testing

extension CephTests {
    /// What `kill -9` leaves between the steps of librbd's create and remove.
    @Suite("Remains") struct Remains {
        /// The order in which `rbd_create4` makes things: id object, entry in the directory, header.
        @Test("What a creation that was cut off has left is cleared", arguments: [false, true])
        func creation(hasEntry: Bool) async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("remains")
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.stat().id }
                let pool = ["--pool", ceph.environment.pool]
                for object in ["rbd_header.\(id)", "rbd_object_map.\(id)"] {
                    try await ceph.rig.run("rados", pool + ["rm", object]).checked()
                }
                if !hasEntry {
                    for key in ["name_\(name)", "id_\(id)"] {
                        try await ceph.rig.run("rados", pool + ["rmomapkey", "rbd_directory", key]).checked()
                    }
                }
                #expect(try await ceph.objects(of: name, id) == ["rbd_id.\(name)"])
                #expect(try await ceph.rig.images(in: ceph.environment.pool).contains(name) == hasEntry)

                try await ceph.images.clearRemains(of: name)
                #expect(try await ceph.objects(of: name, id).isEmpty)
                #expect(try await !ceph.rig.images(in: ceph.environment.pool).contains(name))
                try await ceph.images.clearRemains(of: name)
            }
        }

        /// `rbd_remove` notes in the trash that the image is on its way, takes the name from it in two steps, and notes that
        /// it is there.
        @Test("A removal that was cut off on the way into the trash is finished", arguments: [false, true])
        func halfMoved(hasEntry: Bool) async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("moving")
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                let id = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.stat().id }
                try await ceph.images.moveToTrash(name)
                let pool = ["--pool", ceph.environment.pool]
                let file = FileManager.default.temporaryDirectory.path + "/" + uniqueName("spec")
                defer { try? FileManager.default.removeItem(atPath: file) }
                try await ceph.rig.run("rados", pool + ["getomapval", "rbd_trash", "id_\(id)", file]).checked()
                // Two bytes of version, four of length, one of the source; the state is the last byte.
                var spec = [UInt8](try Data(contentsOf: URL(filePath: file)))
                #expect(spec.count > 8 && spec.last == 0)
                spec[6] = UInt8(RBD_TRASH_IMAGE_SOURCE_REMOVING.rawValue)
                spec[spec.count - 1] = 1
                try Data(spec).write(to: URL(filePath: file))
                let set = ["setomapval", "rbd_trash", "id_\(id)", "--input-file", file]
                try await ceph.rig.run("rados", pool + set).checked()
                if hasEntry {
                    for (key, text) in [("name_\(name)", id), ("id_\(id)", name)] {
                        let count = UInt8(text.utf8.count)
                        try Data([count, 0, 0, 0] + Array(text.utf8)).write(to: URL(filePath: file))
                        let put = ["setomapval", "rbd_directory", key, "--input-file", file]
                        try await ceph.rig.run("rados", pool + put).checked()
                    }
                }
                try await ceph.images.finishRemoval(id: id)
                let inTrash = try await ceph.rig.rados("--pool", ceph.environment.pool, "listomapkeys", "rbd_trash")
                #expect(!inTrash.contains(id))
                #expect(try await ceph.objects(of: name, id).isEmpty)
                #expect(try await !ceph.rig.images(in: ceph.environment.pool).contains(name))
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
    /// The objects that librbd would find the image by.
    fileprivate func objects(of name: String, _ id: String) async throws -> [String] {
        let all = try await rig.rados("--pool", environment.pool, "ls").split(separator: "\n").map(String.init)
        return all.filter { $0 == "rbd_id.\(name)" || $0 == "rbd_header.\(id)" }.sorted()
    }
}

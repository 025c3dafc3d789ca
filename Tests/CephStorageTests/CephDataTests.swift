import CephStorage
import FoundationEssentials
import Glibc
import RealParts
import Rig
import Testing
import VolumeCore

extension CephTests {
    @Suite("Data") struct DataTests {
        private static let block = 4096

        @Test("What is written is read back, on another connection, and the rest is zero")
        func readBack() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let bytes = (0..<Self.block).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        try await image.write(bytes, at: 8192)
                        try await image.flush()
                    }
                    try await CephFixture.with { other in
                        try await other.images.withImage(.name(name), .readOnly) { image in
                            let (head, written) = (
                                try await image.read(at: 0, count: 8192),
                                try await image.read(at: 8192, count: Self.block)
                            )
                            #expect(written == bytes)
                            #expect(head.allSatisfy { $0 == 0 })
                        }
                    }
                }
            }
        }

        @Test("A read stops at the end of the image, and one beyond it is empty or refused")
        func readAtEnd() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage(size: 1 << 20) { name in
                    try await ceph.images.withImage(.name(name), .readOnly) { image in
                        let last = try await image.read(at: (1 << 20) - 100, count: 4096)
                        #expect(last.count == 100)
                        let beyond = try? await image.read(at: 1 << 21, count: 4096)
                        #expect(beyond ?? [] == [])
                    }
                }
            }
        }

        @Test("A write beyond the end of the image is refused")
        func writeBeyond() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage(size: 1 << 20) { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        let error = try await CephFixture.error { try await image.write([1, 2], at: 1 << 20) }
                        #expect(error.call == "rbd_write")
                        let extents = [ImageExtent(offset: 1 << 20, bytes: [1])]
                        let piped = try await CephFixture.error { try await image.write(extents: extents) }
                        #expect(piped.description.contains("\(1 << 20)"))
                    }
                }
            }
        }

        @Test("Extents written through a pipeline all arrive", arguments: [1, 3, 64])
        func pipeline(inFlight: Int) async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let extents = (0..<200).map { index in
                        ImageExtent(
                            offset: UInt64(index) * 16384,
                            bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: index + 1), count: 512 + index * 8))
                    }
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        try await image.write(extents: extents, inFlight: inFlight)
                    }
                    try await ceph.images.withImage(.name(name), .readOnly) { image in
                        let all = try await image.read(at: 0, count: 200 * 16384)
                        var expected = [UInt8](repeating: 0, count: 200 * 16384)
                        for extent in extents {
                            expected.replaceSubrange(
                                Int(extent.offset)..<Int(extent.offset) + extent.bytes.count, with: extent.bytes)
                        }
                        #expect(all == expected)
                    }
                }
            }
        }

        @Test("A discarded range reads as zeros")
        func discard() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        let size = 4 << 20
                        try await image.write([UInt8](repeating: 9, count: size), at: 0)
                        try await image.discard(at: 0, count: UInt64(size))
                        #expect(try await image.read(at: 0, count: size).allSatisfy { $0 == 0 })
                    }
                }
            }
        }
    }

    @Suite("Snapshots") struct Snapshots {
        @Test("A snapshot is taken, listed, protected, read and removed")
        func life() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        #expect(try await image.snapshots().isEmpty)
                        try await image.write([1, 1, 1], at: 0)
                        try await image.createSnapshot("one")
                        try await image.write([2, 2, 2], at: 0)
                        try await image.createSnapshot("two")
                        let twice = try await CephFixture.error { try await image.createSnapshot("one") }
                        #expect(twice.isExists)

                        let list = try await image.snapshots()
                        #expect(list.map(\.name) == ["one", "two"])
                        #expect(list.allSatisfy { $0.isByUser && !$0.isProtected })
                        #expect(list.allSatisfy { $0.size == 32 * CephFixture.mebibyte })

                        try await image.protectSnapshot("one")
                        try await image.protectSnapshot("one")
                        #expect(try await image.snapshots().first?.isProtected == true)
                        let busy = try await CephFixture.error { try await image.removeSnapshot("one") }
                        #expect(busy.isBusy)
                        try await image.unprotectSnapshot("one")
                        try await image.unprotectSnapshot("one")
                    }
                    let old = try await ceph.images.withImage(.name(name), .readOnly, snapshot: "one") {
                        try await $0.read(at: 0, count: 3)
                    }
                    #expect(old == [1, 1, 1])
                    let full = try await CephFixture.error { try await ceph.images.remove(name) }
                    #expect(full.code == ENOTEMPTY)
                    #expect(full.outcome == .refused)
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        try await image.rollBack(to: "one")
                        #expect(try await image.read(at: 0, count: 3) == [1, 1, 1])
                        try await image.removeSnapshot("one")
                        try await image.removeSnapshot("two")
                        let gone = try await CephFixture.error { try await image.removeSnapshot("two") }
                        #expect(gone.isNotFound)
                        #expect(try await image.snapshots().isEmpty)
                    }
                }
            }
        }

        @Test("More snapshots than the first buffer holds are all listed, oldest first")
        func many() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let names = (0..<5).map { "s\(5 - $0)" }
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        for snapshot in names { try await image.createSnapshot(snapshot) }
                        #expect(try await image.snapshots().map(\.name) == names)
                    }
                }
            }
        }

        @Test("A clone of an unprotected snapshot has its data and knows its parent")
        func clone() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        try await image.write([7, 7], at: 0)
                        try await image.createSnapshot("s")
                    }
                    let child = uniqueName("clone")
                    let other = RBDImages(ImageLocation(pool: ceph.environment.otherPool), connection: ceph.connection)
                    try await other.clone(
                        ceph.images.location, image: name, snapshot: "s", to: child, layout: ImageLayout())
                    let stat = try await other.withImage(.name(child), .readOnly) { image in
                        #expect(try await image.read(at: 0, count: 2) == [7, 7])
                        return try await image.stat()
                    }
                    #expect(stat.parent?.location == ceph.images.location)
                    #expect(stat.parent?.image == name)
                    #expect(stat.parent?.snapshot == "s")
                    #expect(stat.parent?.isInTrash == false)
                    try await other.remove(child)
                }
            }
        }
    }

    @Suite("Trash") struct Trash {
        @Test("An image goes to the trash, comes back under another name, and is removed for good")
        func life() async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("trashed")
                try await ceph.images.create(name, size: CephFixture.mebibyte, layout: ImageLayout())
                let id = try #require(try await ceph.images.list().first { $0.name == name }?.id)
                try await ceph.images.moveToTrash(name, delay: .seconds(3600))
                #expect(try await !ceph.images.list().contains { $0.name == name })

                let entry = try #require(try await ceph.images.listTrash().first { $0.id == id })
                #expect(entry.name == name)
                #expect(entry.isByUser)
                #expect(abs(entry.defermentEndsAt.timeIntervalSince(entry.deletedAt) - 3600) < 2)
                let deferred = try await CephFixture.error { try await ceph.images.removeFromTrash(id: id) }
                #expect(deferred.outcome == .refused)

                let back = uniqueName("back")
                try await ceph.images.restoreFromTrash(id: id, as: back)
                #expect(try await ceph.images.list().contains { $0.id == id && $0.name == back })
                try await ceph.images.moveToTrash(back, delay: .seconds(3600))
                try await ceph.images.removeFromTrash(id: id, force: true)
                #expect(try await !ceph.images.listTrash().contains { $0.id == id })
            }
        }

        @Test("Restored without a name, an image has its old one")
        func oldName() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let id = try #require(try await ceph.images.list().first { $0.name == name }?.id)
                    try await ceph.images.moveToTrash(name)
                    try await ceph.images.restoreFromTrash(id: id)
                    #expect(try await ceph.images.list().contains { $0.id == id && $0.name == name })
                }
            }
        }
    }
}

import CephStorage
import Glibc
import RealParts
import Rig
import Testing
import VolumeCore

extension CephTests {
    @Suite("Refusals") struct Refusals {
        @Test("A pool that is missing is the subject of the error")
        func missingPool() async throws {
            try await CephFixture.with { ceph in
                let images = RBDImages(ImageLocation(pool: "no-such-pool"), connection: ceph.connection)
                for call in [
                    { try await images.create("x", size: CephFixture.mebibyte, layout: ImageLayout()) },
                    { _ = try await images.list() },
                    { _ = try await images.open(.name("x"), .readOnly) },
                ] {
                    let error = try await CephFixture.error(call)
                    #expect(error.isNotFound)
                    #expect(error.subject == .pool("no-such-pool"))
                    #expect(error.outcome == .refused)
                }
            }
        }

        @Test("A pool that the user may not use is refused with the capabilities that it needs")
        func closedPool() async throws {
            try await CephFixture.with { ceph in
                let images = RBDImages(ImageLocation(pool: ceph.environment.closedPool), connection: ceph.connection)
                let error = try await CephFixture.error {
                    try await images.create("x", size: CephFixture.mebibyte, layout: ImageLayout())
                }
                #expect(error.isDenied)
                #expect(error.outcome == .refused)
                #expect(error.description.contains("profile rbd"))
            }
        }

        @Test("A data pool that is missing leaves no image behind")
        func missingDataPool() async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("nodata")
                let error = try await CephFixture.error {
                    try await ceph.images.create(
                        name, size: CephFixture.mebibyte, layout: ImageLayout(dataPool: "no-such-pool"))
                }
                #expect(error.isNotFound)
                #expect(error.subject == .pool("no-such-pool"))
                #expect(try await !ceph.images.list().contains { $0.name == name })
            }
        }

        @Test("A NUL byte is refused before anything that the rest would name is touched")
        func nul() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let cut = name + "\u{0}x"
                    let location = ImageLocation(pool: ceph.environment.pool + "\u{0}x")
                    let elsewhere = RBDImages(location, connection: ceph.connection)
                    let image = try await ceph.images.open(.name(name), .readWrite)
                    try await image.createSnapshot("s")
                    for call in [
                        { try await ceph.images.remove(cut) }, { try await elsewhere.remove(name) },
                        { try await ceph.images.rename(name, to: cut) }, { try await ceph.images.rename(cut, to: "y") },
                        { try await ceph.images.moveToTrash(cut) },
                        { _ = try await ceph.images.open(.name(cut), .readOnly) },
                        { _ = try await ceph.images.open(.name(name), .readOnly, snapshot: "s\u{0}x") },
                        { try await image.setMetadata("key", to: "a\u{0}b") },
                        { try await image.setMetadata("key\u{0}x", to: "a") },
                        { try await image.removeSnapshot("s\u{0}x") },
                        { _ = try await ceph.connection.poolID(location.pool) },
                    ] {
                        let error = try await CephFixture.error(call)
                        #expect(error.code == EINVAL)
                        #expect(error.outcome == .refused)
                        #expect(error.description.contains("NUL"))
                    }
                    #expect(try await image.metadata().isEmpty)
                    #expect(try await image.snapshots().map(\.name) == ["s"])
                    try await image.removeSnapshot("s")
                    try await image.close()
                }
            }
        }

        @Test("A size that no block device can have is refused", arguments: [UInt64.max, 1 << 63])
        func tooLarge(size: UInt64) async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("huge")
                let create = try await CephFixture.error {
                    try await ceph.images.create(name, size: size, layout: ImageLayout())
                }
                #expect(create.code == EFBIG)
                #expect(create.outcome == .refused)
                try await ceph.withImage { name in
                    let image = try await ceph.images.open(.name(name), .readWrite)
                    let resize = try await CephFixture.error { try await image.resize(to: size) }
                    #expect(resize.code == EFBIG)
                    try await image.close()
                }
            }
        }

        @Test("An image of that name is left alone")
        func exists() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let error = try await CephFixture.error {
                        try await ceph.images.create(name, size: CephFixture.mebibyte, layout: ImageLayout())
                    }
                    #expect(error.isExists)
                    #expect(error.outcome == .refused)
                    let size = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.size() }
                    #expect(size == 32 * CephFixture.mebibyte)
                }
            }
        }

        @Test("An order out of range is refused", arguments: [UInt8(0), 11, 26, 64, 255])
        func order(order: UInt8) async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("order")
                let error = try await CephFixture.error {
                    try await ceph.images.create(name, size: CephFixture.mebibyte, layout: ImageLayout(order: order))
                }
                #expect(error.outcome == .refused, "\(error)")
                #expect(error.code == EDOM)
                #expect(try await !ceph.images.list().contains { $0.name == name })
            }
        }

        @Test("The orders at both ends work", arguments: [UInt8(12), 25])
        func orderLimits(order: UInt8) async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage(layout: ImageLayout(order: order)) { name in
                    let stat = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.stat() }
                    #expect(stat.order == order)
                }
            }
        }

        @Test("Renaming onto a name that is taken changes nothing")
        func renameOnto() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage("one") { one in
                    try await ceph.withImage("two") { two in
                        let before = try await ceph.images.list()
                        let error = try await CephFixture.error { try await ceph.images.rename(one, to: two) }
                        #expect(error.isExists)
                        #expect(error.outcome == .refused)
                        #expect(try await ceph.images.list() == before)
                    }
                }
            }
        }

        @Test("An image that somebody watches is not removed, and moves to no trash")
        func busy() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await CephFixture.with { other in
                        let image = try await other.images.open(.name(name), .readWrite)
                        for call in [
                            { try await ceph.images.remove(name) }, { try await ceph.images.moveToTrash(name) },
                        ] {
                            let error = try await CephFixture.error(call)
                            #expect(error.isBusy)
                            #expect(error.outcome == .refused)
                            #expect(error.description.contains("rbd status"))
                        }
                        try await image.close()
                    }
                    try await ceph.images.remove(name)
                }
            }
        }

        @Test("An image open read-only is not written to")
        func readOnly() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await ceph.images.withImage(.name(name), .readOnly) { image in
                        let error = try await CephFixture.error { try await image.write([1], at: 0) }
                        #expect(error.code == EROFS)
                        let resize = try await CephFixture.error {
                            try await image.resize(to: 64 * CephFixture.mebibyte)
                        }
                        #expect(resize.code == EROFS)
                    }
                }
            }
        }

        @Test("A missing image is not found, by name and by id")
        func missingImage() async throws {
            try await CephFixture.with { ceph in
                for key in [ImageKey.name("no-such-image"), .id("123456789abc")] {
                    for mode in [RBDImages.OpenMode.readOnly, .readWrite] {
                        let error = try await CephFixture.error { try await ceph.images.open(key, mode) }
                        #expect(error.isNotFound)
                    }
                }
                let error = try await CephFixture.error { try await ceph.images.remove("no-such-image") }
                #expect(error.isNotFound)
            }
        }

        @Test("A closed image refuses calls, and closing it again does nothing")
        func closedImage() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let image = try await ceph.images.open(.name(name), .readOnly)
                    try await image.close()
                    try await image.close()
                    let error = try await CephFixture.error { try await image.stat() }
                    #expect(error.code == EBADF)
                }
            }
        }

        @Test("A connection with an open image is not shut down under it")
        func closeUnderImage() async throws {
            let environment = try RigEnvironment.required()
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let connection = CephFixture.connection(CephFixture.settings(environment))
                    let images = RBDImages(ImageLocation(pool: environment.pool), connection: connection)
                    let image = try await images.open(.name(name), .readOnly)
                    let error = try await CephFixture.error { try await connection.close() }
                    #expect(error.isBusy)
                    #expect(try await image.stat().name == name)
                    let refused = try await CephFixture.error { try await images.list() }
                    #expect(refused.description.contains("closed"))
                    try await image.close()
                }
            }
        }
    }
}

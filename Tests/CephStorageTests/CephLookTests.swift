import CephStorage
import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

extension CephTests {
    /// A look leaves the image open for the next one. What the next one says must be as new as if it had opened the image.
    @Suite("Looks that follow each other") struct Looks {
        @Test("A client that opened the image after the first look is seen by the next, and seen to go")
        func newcomer() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let (store, image) = ceph.looked(at: name)
                    let found = try #require(try await store.inspect(image))
                    #expect(try await store.watched(image).watchers.isEmpty)
                    try await CephFixture.with { other in
                        try await other.images.withImage(.name(name), .readWrite) { _ in
                            let seen = try await store.watched(image)
                            #expect(seen.watchers.count == 1)
                            #expect(seen.id == found.id)
                            #expect(try await store.watchers(of: image) == seen.watchers)
                        }
                    }
                    #expect(try await store.watched(image).watchers.isEmpty)
                }
            }
        }

        @Test("Nobody sees that a look has left the image open")
        func unseen() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let (store, image) = ceph.looked(at: name)
                    for _ in 1...2 { #expect(try await store.watched(image).watchers.isEmpty) }
                    try await CephFixture.with { other in
                        let watchers = try await other.images.withImage(.name(name), .readOnly) {
                            try await $0.watchers()
                        }
                        #expect(watchers.isEmpty)
                    }
                }
            }
        }

        @Test("Another image that has got the name meanwhile is the one that is looked at")
        func replaced() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let (store, image) = ceph.looked(at: name)
                    let first = try await store.watched(image).id
                    let aside = uniqueName("aside")
                    try await ceph.images.rename(name, to: aside)
                    await #expect(throws: VolumeError.self) { try await store.watched(image) }
                    try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                    let second = try await store.watched(image).id
                    #expect(second != first)
                    #expect(try await store.inspect(image)?.id == second)
                    // The other way round: what is open now is not the image that gets the name back.
                    try await ceph.images.remove(name)
                    try await ceph.images.rename(aside, to: name)
                    #expect(try await store.watched(image).id == first)
                }
            }
        }

        @Test("An image that has gone meanwhile is not found")
        func removed() async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("gone")
                try await ceph.images.create(name, size: 1 << 22, layout: ImageLayout())
                let (store, image) = ceph.looked(at: name)
                _ = try await store.watched(image)
                try await ceph.images.remove(name)
                let error = await #expect(throws: VolumeError.self) { try await store.watched(image) }
                #expect(error?.code == .notFound)
                #expect(try await store.inspect(image) == nil)
            }
        }

        @Test("A connection ends at once, whatever a look has left open on it; the next one looks anew")
        func connectionEnds() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let (store, image) = ceph.looked(at: name)
                    let before = try await store.watched(image)
                    try await ceph.connection.reconnect()
                    #expect(try await store.watched(image) == before)
                    // The image that is left open must not keep the connection up.
                    try await ceph.connection.close()
                }
            }
        }
    }
}

extension CephFixture {
    fileprivate func looked(at name: String) -> (CephImageStore, ImageReference) {
        (
            CephImageStore(connection: connection, clock: SystemClock()),
            ImageReference(pool: environment.pool, name: name)
        )
    }
}

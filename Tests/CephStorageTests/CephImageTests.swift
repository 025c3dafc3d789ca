import CephStorage
import FoundationEssentials
import Glibc
import RealParts
import Rig
import Testing
import VolumeCore

extension CephTests {
    @Suite("Images") struct Images {
        @Test("A created image is what was asked for")
        func createAndStat() async throws {
            try await CephFixture.with { ceph in
                let layout = ImageLayout(
                    order: 20, features: [.layering, .exclusiveLock, .striping],
                    striping: ImageStriping(unit: 65536, count: 4))
                let before = Date(timeIntervalSinceNow: -5)
                try await ceph.withImage(size: 48 * CephFixture.mebibyte, layout: layout) { name in
                    let stat = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.stat() }
                    #expect(stat.name == name)
                    #expect(!stat.id.isEmpty)
                    #expect(stat.size == 48 * CephFixture.mebibyte)
                    #expect(stat.order == 20)
                    #expect(stat.objectCount == 48)
                    #expect(stat.features == [.layering, .exclusiveLock, .striping])
                    #expect(stat.stripeUnit == 65536)
                    #expect(stat.stripeCount == 4)
                    #expect(stat.parent == nil)
                    #expect(stat.createdAt > before)
                    let again = try await ceph.images.withImage(.id(stat.id), .readOnly) { try await $0.stat() }
                    #expect(again == stat)
                }
            }
        }

        @Test("Metadata is set, listed, read and removed")
        func metadata() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        #expect(try await image.metadata("rbd-plugin.uid") == nil)
                        try await image.setMetadata("rbd-plugin.uid", to: "first")
                        try await image.setMetadata("rbd-plugin.uid", to: "second")
                        try await image.setMetadata("empty", to: "")
                        #expect(try await image.metadata("rbd-plugin.uid") == "second")
                        #expect(try await image.metadata() == ["rbd-plugin.uid": "second", "empty": ""])
                        #expect(try await image.removeMetadata("empty"))
                        #expect(try await !image.removeMetadata("empty"))
                    }
                    let read = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.metadata() }
                    #expect(read == ["rbd-plugin.uid": "second"])
                }
            }
        }

        @Test("More and longer metadata than any first buffer holds is read whole")
        func muchMetadata() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    var expected: [String: String] = [:]
                    for index in 0..<150 { expected["key-\(index)"] = String(repeating: "v", count: index * 3) }
                    expected["long"] = String(repeating: "x", count: 9000)
                    let wanted = expected
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        for (key, value) in wanted { try await image.setMetadata(key, to: value) }
                        #expect(try await image.metadata() == wanted)
                        #expect(try await image.metadata("long") == wanted["long"])
                    }
                }
            }
        }

        @Test("Images are listed by name with their ids, and a renamed one keeps its id")
        func listAndRename() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let id = try #require(try await ceph.images.list().first { $0.name == name }?.id)
                    let renamed = uniqueName("renamed")
                    try await ceph.images.rename(name, to: renamed)
                    let list = try await ceph.images.list()
                    #expect(list.contains { $0.id == id && $0.name == renamed })
                    #expect(!list.contains { $0.name == name })
                    #expect(list.map(\.name) == list.map(\.name).sorted())
                    try await ceph.images.rename(renamed, to: name)
                }
            }
        }

        @Test("Removing says how far it is, and the image is gone")
        func remove() async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("gone")
                try await ceph.images.create(name, size: 64 * CephFixture.mebibyte, layout: ImageLayout())
                let progress = Recorder<UInt64>()
                try await ceph.images.remove(name) { _, total in progress.append(total) }
                #expect(progress.values.contains(16))
                #expect(try await !ceph.rig.exists(name, in: ceph.environment.pool))
                let error = try await CephFixture.error { try await ceph.images.open(.name(name), .readOnly) }
                #expect(error.isNotFound)
            }
        }

        @Test("An image grows, and shrinks only when that is allowed")
        func resize() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        try await image.resize(to: 64 * CephFixture.mebibyte)
                        #expect(try await image.size() == 64 * CephFixture.mebibyte)
                        let error = try await CephFixture.error {
                            try await image.resize(to: 16 * CephFixture.mebibyte)
                        }
                        #expect(error.code == EINVAL)
                        #expect(error.outcome == .refused)
                        try await image.resize(to: 16 * CephFixture.mebibyte, allowShrink: true)
                        #expect(try await image.size() == 16 * CephFixture.mebibyte)
                    }
                }
            }
        }

        @Test("Features are switched on and off")
        func features() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage(layout: ImageLayout(features: [.layering, .exclusiveLock])) { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { image in
                        try await image.setFeatures([.objectMap, .fastDiff], enabled: true)
                        #expect(try await image.stat().features == [.layering, .exclusiveLock, .objectMap, .fastDiff])
                        try await image.setFeatures([.fastDiff, .objectMap], enabled: false)
                        #expect(try await image.stat().features == [.layering, .exclusiveLock])
                    }
                }
            }
        }

        @Test("The data pool takes the data and shows in the features")
        func dataPool() async throws {
            try await CephFixture.with { ceph in
                let layout = ImageLayout(features: [.layering], dataPool: ceph.environment.dataPool)
                try await ceph.withImage(layout: layout) { name in
                    let stat = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.stat() }
                    #expect(stat.features == [.layering, .dataPool])
                    #expect(try await ceph.connection.poolName(stat.dataPoolID) == ceph.environment.dataPool)
                }
            }
        }

        @Test("Sixteen images are created at the same time")
        func createMany() async throws {
            try await CephFixture.with { ceph in
                let names = (0..<16).map { _ in uniqueName("many") }
                let images = ceph.images
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in names {
                        group.addTask {
                            try await images.create(name, size: 8 * CephFixture.mebibyte, layout: ImageLayout())
                        }
                    }
                    try await group.waitForAll()
                }
                let listed = Set(try await images.list().map(\.name))
                #expect(listed.isSuperset(of: names))
                for name in names { try await images.remove(name) }
            }
        }
    }
}

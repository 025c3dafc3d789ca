import InMemoryPorts
import Logging
import RBDDriver
import Testing
import VolumeCore

/// A removed volume's image goes to Ceph's trash, and its data is deleted in the background.
@Suite struct EmptyTrashTests {
    private let faults = ScriptedFaults()
    private let cluster: SimulatedCluster
    private let image = ImageReference(pool: "rbd", name: "db")

    init() { cluster = SimulatedCluster(hook: faults) }

    private var trash: [String] { cluster.world.ceph.trash.values.map(\.reference.name).sorted() }

    @Test("B11: a removal ends with the image in the trash, its name is free at once, and the data goes later")
    func b11RemovedIntoTheTrash() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let id = try #require(cluster.world.ceph.images[image]?.id)
        try await driver.remove("db")
        #expect(cluster.world.leftovers == [])
        #expect(Array(cluster.world.ceph.trash.keys) == [id])
        #expect(driver.imagesInTrash == 1)

        try await driver.create("db", options: DriverFixture.options)
        let next = cluster.world.ceph.images[image]?.id
        await driver.emptyTrash()
        #expect(trash == [])
        #expect(driver.imagesInTrash == 0)
        #expect(next != nil && cluster.world.ceph.images[image]?.id == next)
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("B11: what others put into the trash stays there, also the image of a volume that was forgotten")
    func b11ForeignTrashStays() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let foreign = ImageReference(pool: "rbd", name: "photos")
        cluster.mutate { world in
            world.addImage(foreign)
            world.trashByHand(foreign)
            world.trashByHand(image)
        }
        await driver.emptyTrash()
        #expect(trash == ["db", "photos"])
        // Nothing is under the name: the record goes, and what somebody has put away stays.
        try await driver.remove("db")
        await driver.emptyTrash()
        #expect(trash == ["db", "photos"])
    }

    @Test("B11: the images of another installation's volumes stay in the trash, also one that it still has recorded")
    func b11TrashOfAnotherInstallation() async throws {
        let plain = DriverFixture.driver(cluster)
        func driver(home: String?) -> VolumeDriver {
            var ports = plain.ports
            ports.home = { home }
            return VolumeDriver(ports: ports, settings: plain.settings, me: plain.me, log: Logger(label: "test"))
        }
        try await driver(home: "aaaa").create("db", options: DriverFixture.options)
        try await driver(home: "aaaa").remove("db")
        #expect(trash.count == 1)
        for home in ["bbbb", nil] {
            let other = driver(home: home)
            await other.emptyTrash()
            #expect(trash.count == 1)
            #expect(other.imagesInTrash == 0)
        }
        await driver(home: "aaaa").emptyTrash()
        #expect(trash == [])
        // Of a version before homes.
        try await driver(home: nil).create("db", options: DriverFixture.options)
        try await driver(home: nil).remove("db")
        await driver(home: "bbbb").emptyTrash()
        #expect(trash == [])
    }

    @Test(
        "B11: a removal that is killed anywhere is finished by another node, and nothing stays in the trash",
        arguments: [PortOperation.storeCommit, .imageRename, .imageTrash], [0, 1])
    func b11KilledRemoval(_ operation: PortOperation, skipping: Int) async throws {
        try await DriverFixture.driver(cluster).create("db", options: DriverFixture.options)
        let driver = DriverFixture.driver(cluster)
        faults.run(operation, .after, on: "a", skipping: skipping) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "a") }
        }
        _ = try? await driver.remove("db")
        faults.stop()
        cluster.mutate { $0.advance(by: .seconds(40)) }
        let next = DriverFixture.driver(cluster, on: "b")
        if !cluster.world.etcd.volumes.isEmpty {
            await next.emptyTrash()
            #expect(cluster.world.ceph.images.count + cluster.world.ceph.trash.count == 1)
            try await next.remove("db")
        }
        #expect(cluster.world.leftovers == [])
        // Another run, which remembers nothing of it.
        await DriverFixture.driver(cluster, on: "b").emptyTrash()
        #expect(trash == [])
    }

    @Test("B11: emptying that is killed half-way, or that two nodes are at, is finished")
    func b11KilledEmptying() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.remove("db")
        faults.run(.imageTrim, .after, on: "a") { [cluster] _ in
            await DriverFixture.driver(cluster, on: "b").emptyTrash()
            cluster.mutate { $0.killPlugin(on: "a") }
        }
        await driver.emptyTrash()
        #expect(trash == [])
        await DriverFixture.driver(cluster).emptyTrash()
        #expect(trash == [])
    }

    @Test("B11: the image of a volume that is recorded is not deleted from the trash, however it got there")
    func b11RecordedVolumeIsNotDeleted() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let record = try #require(cluster.world.etcd.volumes.values.first?.record)
        let id = try #require(record.imageID)
        try await driver.ports.images.moveToTrash(image, id: id, as: record.removedImage.name)
        await driver.emptyTrash()
        #expect(Array(cluster.world.ceph.trash.keys) == [id])
        try await driver.remove("db")
        await driver.emptyTrash()
        #expect(trash == [])
    }

    @Test("B11: an image that somebody still has open waits in the trash and holds up no other")
    func b11WatchedImageWaits() async throws {
        let driver = DriverFixture.driver(cluster)
        for name in ["db", "kv"] { try await driver.create(name, options: DriverFixture.options) }
        for name in ["db", "kv"] { try await driver.remove(name) }
        let held = try #require(cluster.world.ceph.trash.first { $0.value.reference.name.hasSuffix(".db") })
        cluster.mutate { $0.watchTrashed(held.key, on: "b") }
        await driver.emptyTrash()
        #expect(Array(cluster.world.ceph.trash.keys) == [held.key])
        #expect(driver.imagesInTrash == 1)
        cluster.mutate { $0.advance(by: .seconds(40)) }
        await driver.emptyTrash()
        #expect(trash == [])
    }
}

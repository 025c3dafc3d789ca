import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// What whoever runs the plugin lets its users have.
@Suite struct VolumeLimitTests {
    private let cluster = SimulatedCluster(pools: ["rbd", "vms"])

    private func driver(_ limits: VolumeLimits, on node: String = "a") -> VolumeDriver {
        VolumeDriver(cluster.startPlugin(on: node), limits: limits)
    }

    @Test(
        "E7: a volume that is too large by the setting is refused before anything exists, and one that is there stays")
    func e7TooLarge() async throws {
        try await driver(VolumeLimits()).create("old", options: DriverFixture.options)
        let driver = driver(VolumeLimits(largestSize: .mebibytes(100)))
        let error = try #require(await errorOf { try await driver.create("db", options: DriverFixture.options) })
        #expect(error.code == .invalidOption)
        #expect(error.description.contains("RBD_MAX_SIZE"))
        #expect(cluster.world.imageNames == ["old"])
        #expect(cluster.world.etcd.volumes.count == 1)
        // Asked for again, and used.
        try await driver.create("old", options: DriverFixture.options)
        _ = try await driver.mount("old", id: "m1")
    }

    @Test("E7: an image that is too large by the setting is not adopted, and stays as it is")
    func e7TooLargeToAdopt() async throws {
        let image = ImageReference(pool: "rbd", name: "db")
        _ = try await cluster.startPlugin(on: "b").formatter.createFormatted(
            image, spec: VolumeSpec(pool: "rbd", size: .mebibytes(512)), uid: "of another life")
        let driver = driver(VolumeLimits(largestSize: .mebibytes(100), allowsAdoption: true))
        let adopting = ["pool": "rbd", "adopt": "true"]
        let error = try #require(await errorOf { try await driver.create("db", options: adopting) })
        #expect(error.description.contains("RBD_MAX_SIZE"))
        #expect(cluster.world.etcd.volumes.isEmpty)
        #expect(cluster.world.ceph.images[image]?.uid == "of another life")
    }

    @Test("E7: with as many volumes as the setting allows the next is refused, and a removal makes room")
    func e7TooMany() async throws {
        let driver = driver(VolumeLimits(mostVolumes: 2))
        for name in ["one", "two"] { try await driver.create(name, options: DriverFixture.options) }
        for node in ["a", "b"] {
            let driver = self.driver(VolumeLimits(mostVolumes: 2), on: node)
            let error = try #require(await errorOf { try await driver.create("db", options: DriverFixture.options) })
            #expect(error.code == .noSpace)
            #expect(error.description.contains("RBD_MAX_VOLUMES"))
            #expect(cluster.world.imageNames == ["one", "two"])
            try await driver.create("two", options: DriverFixture.options)
        }
        let last = self.driver(VolumeLimits(mostVolumes: 2))
        try await last.remove("one")
        try await last.create("db", options: DriverFixture.options)
    }

    @Test(
        "E8: a pool that the setting does not name is refused before anything exists, and a volume that is there stays")
    func e8Pools() async throws {
        let options = ["pool": "vms", "size": "206"]
        try await driver(VolumeLimits()).create("old", options: options)
        let driver = driver(VolumeLimits(pools: ["rbd"]))
        for refused in [options, ["pool": "rbd", "data-pool": "vms"]] {
            let error = try #require(await errorOf { try await driver.create("db", options: refused) })
            #expect(error.description.contains("RBD_ALLOWED_POOLS"))
        }
        #expect(cluster.world.etcd.volumes.count == 1)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.create("old", options: options)
        _ = try await driver.mount("old", id: "m1")
        try await driver.unmount("old", id: "m1")
        try await driver.remove("old")
    }

    @Test("E8: a create that was begun where the settings allow more is not carried on")
    func e8BegunElsewhere() async throws {
        try await driver(VolumeLimits(), on: "b").create("db", options: ["pool": "vms", "size": "206"])
        let ports = cluster.startPlugin(on: "b")
        let stored = try await ports.store.read(try VolumeName("db"))
        var record = try #require(stored.volume?.record)
        record.phase = .creating
        #expect(try await ports.store.commit(.init(volume: .put(record)), over: stored) != nil)
        try await ports.images.remove(record.image, id: nil)
        let again = driver(VolumeLimits(pools: ["rbd"]))
        let error = try #require(
            await errorOf { try await again.create("db", options: ["pool": "vms", "size": "206"]) })
        #expect(error.description.contains("RBD_ALLOWED_POOLS"))
        #expect(cluster.world.imageNames == [])
    }

    @Test("E8: without the setting no image is adopted, and its own stays as it is")
    func e8Adoption() async throws {
        let image = ImageReference(pool: "rbd", name: "db")
        _ = try await cluster.startPlugin(on: "b").formatter.createFormatted(
            image, spec: VolumeSpec(pool: "rbd", size: .mebibytes(512)), uid: "of another life")
        let driver = driver(VolumeLimits())
        for option in ["true", "own"] {
            let error = try #require(
                await errorOf { try await driver.create("db", options: ["pool": "rbd", "adopt": option]) })
            #expect(error.code == .invalidOption)
            #expect(error.description.contains("RBD_ALLOW_ADOPT"))
        }
        let error = try #require(await errorOf { try await driver.create("db", options: DriverFixture.options) })
        #expect(error.code == .foreignImage)
        #expect(error.remedy.contains("RBD_ALLOW_ADOPT"))
        #expect(cluster.world.etcd.volumes.isEmpty)
        #expect(cluster.world.ceph.images[image]?.uid == "of another life")
    }
}

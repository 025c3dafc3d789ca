import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Clients that hold an image's lock and watch it no more: they died, or they are paused and will write on.
@Suite struct SilentLockOwnerTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "x"])
    private let image = ImageReference(pool: "rbd", name: "db")

    /// Host x has the image mapped by hand and mounted, has something unwritten, and freezes until its watch has ended.
    private func freezeByHand() throws -> ClientAddress {
        let client = try cluster.mutate { world in
            let client = try world.mountByHand(image, on: "x", at: "/mnt/by-hand", .ext4)
            try world.buffer("late", on: "x", at: "/mnt/by-hand")
            world.pause("x")
            world.advance(by: .seconds(40))
            return client
        }
        #expect(cluster.world.watchers(ofImage: try #require(cluster.world.ceph.images[image]?.id)).isEmpty)
        #expect(cluster.world.ceph.images[image]?.lockOwner == client)
        return client
    }

    @Test("A3: who holds the lock without a watch is shut out for good before a mount")
    func a3ASilentLockOwnerIsShutOutBeforeAMount() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let client = try freezeByHand()
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { world in
            try world.write("mine", on: "a", at: mountpoint)
            // Longer than the hour for which a broken lock shuts its owner out.
            world.advance(by: .seconds(7200))
            world.wake("x")
        }
        #expect(cluster.world.isFenced(client))
        #expect(cluster.world.harm.isEmpty)
        #expect(try cluster.world.filesystem(on: "a", at: mountpoint).records == ["mine"])
    }

    @Test("A3: an image whose lock is held without a watch is not adopted until a person has shut the holder out")
    func a3AnImageWithASilentLockOwnerIsNotAdopted() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        cluster.mutate { $0.forgetVolume("db") }
        let client = try freezeByHand()
        let adopt = ["pool": "rbd", "adopt": "true"]
        let error = try #require(await errorOf { try await driver.create("db", options: adopt) })
        #expect(error.code == .inUse)
        #expect(error.description.contains("ceph osd blocklist add \(client)"))
        #expect(cluster.world.etcd.volumes.isEmpty)
        #expect(cluster.world.ceph.images[image]?.lockOwner == client)
        cluster.mutate { $0.blocklistByHand(client, for: .seconds(315_360_000)) }
        try await driver.create("db", options: adopt)
        _ = try await driver.mount("db", id: "m1")
        #expect(cluster.world.harm.isEmpty)
    }
}

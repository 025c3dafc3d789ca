import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Ceph shows a client by an address that cannot be put on the blocklist: it is there all the same.
@Suite struct ObscuredClientTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "c"])
    private let image = ImageReference(pool: "rbd", name: "db")

    @Test("A4: a watcher without a usable address stops mount and remove, and is named")
    func a4ObscuredWatcher() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try cluster.mutate { world in
            if let client = try world.mapByHand(image, on: "b").client { world.obscure(client) }
        }
        for use in [{ try await driver.remove("db") }, { _ = try await driver.mount("db", id: "m1") }] {
            let error = try #require(await errorOf { try await use() })
            #expect(error.code == .unexplained, "\(error)")
            #expect(error.description.contains("rbd/db"))
        }
        #expect(cluster.world.devices(of: "a").isEmpty)
        #expect(cluster.world.imageNames == ["db"])
    }

    @Test("A4: a take-over stops at a lock owner without a usable address")
    func a4ObscuredLockOwner() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        cluster.mutate { world in
            world.obscureLockOwner(of: image)
            world.powerOff("a")
            world.advance(by: .seconds(3600))
        }
        let other = DriverFixture.driver(cluster, on: "b")
        let error = try #require(await errorOf { _ = try await other.mount("db", id: "m2") })
        #expect(error.code == .unexplained, "\(error)")
        #expect(cluster.world.devices(of: "b").isEmpty)
    }

    @Test("A5: a foreign entry of an hour is no fence: the take-over waits for a person, and goes on after that")
    func a5ShortEntry() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        let client = try #require(cluster.world.etcd.attachments.values.first?.record.clients.first)
        cluster.mutate { world in
            world.powerOff("a")
            world.advance(by: .seconds(60))
        }
        // The second raiser comes after the first one, which was stopped in the midst of it.
        for node in ["b", "c"] {
            let other = DriverFixture.driver(cluster, on: node)
            if node == "b" { try await other.ports.fence.blocklist(client, for: .seconds(3600)) }
            let error = try #require(await errorOf { _ = try await other.mount("db", id: "m2") })
            #expect(error.code == .shortFence, "\(error)")
            #expect(error.description.contains("ceph osd blocklist rm \(client)"))
            #expect(cluster.world.devices(of: node).isEmpty)
            #expect(cluster.world.isFenced(client))
            cluster.mutate { world in
                world.powerOff(node)
                world.advance(by: .seconds(60))
                world.powerOn(node)
            }
        }
        let last = DriverFixture.driver(cluster, on: "c")
        try await last.ports.fence.allow(client)
        _ = try await last.mount("db", id: "m3")
        cluster.mutate { $0.advance(by: .seconds(86_400 * 365)) }
        #expect(cluster.world.isFenced(client))
    }
}

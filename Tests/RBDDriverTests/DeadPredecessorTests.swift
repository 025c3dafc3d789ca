import InMemoryPorts
import PortContracts
import Testing
import VolumeCore

@testable import RBDDriver

/// What a plugin that was killed had open shows as watched by it: the next one shuts that client out instead of waiting.
@Suite struct DeadPredecessorTests {
    private let cluster = SimulatedCluster()

    /// Kills node a's plugin in the midst of the rename with which a Create ends.
    /// - Returns: what it was to Ceph.
    private func killInRename() async throws -> ClientAddress {
        let driver = DriverFixture.driver(cluster)
        let faults = ScriptedFaults()
        faults.run(.imageRename, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        cluster.intercept(with: faults)
        _ = await errorOf { try await driver.create("db", options: DriverFixture.options) }
        cluster.intercept(with: NoFaults())
        #expect(watchers.count == 1)
        return try #require(watchers.first)
    }

    private var watchers: [ClientAddress] {
        cluster.world.ceph.images.values.flatMap { cluster.world.watchers(ofImage: $0.id) }
    }

    @Test func theNextRunFinishesTheCreateAndMountsAtOnce() async throws {
        let dead = try await killInRename()
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        #expect(cluster.world.isFenced(dead))
        #expect(try await driver.ports.formerClients.all().isEmpty, "once is enough")
    }

    @Test func theNextRunRemovesTheVolumeAtOnce() async throws {
        _ = try await killInRename()
        let driver = DriverFixture.driver(cluster)
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test func anotherNodeCannotKnowAndWaits() async throws {
        let dead = try await killInRename()
        let other = DriverFixture.driver(cluster, on: "b")
        cluster.mutate { $0.expireHeartbeat(of: "a") }
        try await other.create("db", options: DriverFixture.options)
        let error = try #require(await errorOf { _ = try await other.mount("db", id: "m1") })
        #expect(error.code == .inUse)
        #expect(!cluster.world.isFenced(dead))
    }

    /// It cannot be. If it ever were, the writer of a mounted filesystem would be shut out.
    @Test(arguments: [true, false]) func aClientThatAMappingHasAsWellIsLeftAlone(isRecorded: Bool) async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let other = DriverFixture.driver(cluster, on: "b")
        let writer: ClientAddress
        if isRecorded {
            _ = try await other.mount("db", id: "m1")
            writer = try #require(cluster.world.etcd.attachments.values.first?.record.clients.first)
        } else {
            let image = ImageReference(pool: "rbd", name: "db")
            writer = try #require(try await driver.ports.mapper.map(image, id: nil, options: []).client)
        }
        var ports = driver.ports
        ports.formerClients = Claimed(client: writer)
        let mistaken = VolumeDriver(ports: ports, settings: driver.settings, me: driver.me, log: driver.log)
        _ = try await mistaken.inspect(ImageReference(pool: "rbd", name: "db"))
        #expect(!cluster.world.isFenced(writer))
    }

    @Test func aRefusedBlocklistIsNoMoreThanAWait() async throws {
        _ = try await killInRename()
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let faults = ScriptedFaults()
        let refusal = VolumeError(.unavailable, "blocklist", why: "Permission denied", outcome: .refused)
        faults.fail(.fenceBlocklist, times: .max, with: refusal)
        cluster.intercept(with: faults)
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .inUse)
        cluster.mutate { $0.advance(by: .seconds(40)) }
        _ = try await driver.mount("db", id: "m1")
    }
}

private struct Claimed: FormerClients {
    let client: ClientAddress

    func all() async throws -> [ClientAddress] { [client] }
    func isThisMachines(_ client: ClientAddress) async throws -> Bool { true }
    func forget(_ client: ClientAddress) async throws {}
}

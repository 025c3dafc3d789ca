import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Mappings that go on while no mapper knows of them: the state folder was lost, or another one is used.
@Suite struct LostNotesTests {
    private let cluster = SimulatedCluster()

    /// Volume `db`, mounted on node a for `m1` and written to; then the notes are lost and the plugin starts anew.
    private func lost() async throws -> (driver: VolumeDriver, client: ClientAddress, container: Holder) {
        let first = DriverFixture.driver(cluster)
        try await first.create("db", options: DriverFixture.options)
        let mountpoint = try await first.mount("db", id: "m1")
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        try cluster.mutate { try $0.write("one", by: container) }
        let client = try #require(cluster.world.etcd.attachments.values.first?.record.clients.first)
        cluster.mutate { $0.loseNotes(of: "a") }
        return (DriverFixture.driver(cluster), client, container)
    }

    @Test("A1: an Unmount shuts out a client that the mapper does not know before its record goes")
    func a1AnUnmountShutsOutAClientThatTheMapperDoesNotKnow() async throws {
        let (driver, client, container) = try await lost()
        cluster.mutate { $0.release(container) }
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.etcd.attachments.isEmpty)
        #expect(cluster.world.isFenced(client))
        let mountpoint = try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2")
        #expect(try cluster.world.filesystem(on: "b", at: mountpoint).records == ["one"])
        #expect(cluster.world.harm.isEmpty)
    }

    @Test("A1: the record stays while a container uses a device that the mapper does not know")
    func a1TheRecordStaysWhileAContainerUsesTheDevice() async throws {
        let (driver, client, container) = try await lost()
        let error = try #require(await errorOf { try await driver.unmount("db", id: "m1") })
        #expect(error.code == .busy)
        #expect(error.description.contains("RBD_STATE_DIR"))
        #expect(cluster.world.etcd.attachments.values.first?.record.clients == [client])
        #expect(!cluster.world.isFenced(client))
        try cluster.mutate { try $0.write("two", by: container) }
    }

    @Test("A1: the record stays when its client cannot be shut out")
    func a1TheRecordStaysWhenItsClientCannotBeShutOut() async throws {
        let (driver, client, container) = try await lost()
        cluster.mutate { $0.release(container) }
        let faults = ScriptedFaults()
        faults.fail(.fenceBlocklist)
        cluster.intercept(with: faults)
        _ = try #require(await errorOf { try await driver.unmount("db", id: "m1") })
        #expect(cluster.world.etcd.attachments.values.first?.record.clients == [client])
        await driver.reconcileAll()
        #expect(cluster.world.etcd.attachments.isEmpty && cluster.world.isFenced(client))
    }

    @Test("A1: what a start lets go of is shut out as well")
    func a1WhatAStartLetsGoOfIsShutOut() async throws {
        let first = DriverFixture.driver(cluster)
        try await first.create("db", options: DriverFixture.options)
        let faults = ScriptedFaults()
        faults.run(.mountMount, .before) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "a") }
            throw PluginIsGone()
        }
        cluster.intercept(with: faults)
        _ = try? await first.mount("db", id: "m1")
        let client = try #require(cluster.world.etcd.attachments.values.first?.record.clients.first)
        cluster.mutate { $0.loseNotes(of: "a") }
        try await DriverFixture.driver(cluster).recover()
        #expect(cluster.world.etcd.attachments.isEmpty && cluster.world.isFenced(client))
    }

    @Test("A1: a mapping that is repeated shuts out the client that the record named before")
    func a1AMappingAnewShutsOutTheClientOfBefore() async throws {
        let (driver, client, container) = try await lost()
        cluster.mutate { world in
            world.release(container)
            world.unmountLazily(below: DriverFixture.mountRoot, on: "a")
        }
        let mountpoint = try await driver.mount("db", id: "m2")
        #expect(cluster.world.isFenced(client))
        #expect(try cluster.world.filesystem(on: "a", at: mountpoint).records == ["one"])
        let recorded = try #require(cluster.world.etcd.attachments.values.first?.record.clients)
        #expect(!recorded.contains(client) && recorded.count == 1)
    }
}

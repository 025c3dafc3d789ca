import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// Node a died between mapping and recording, so that whoever takes its volume has to look for its client in Ceph. Only
/// that client may be shut out, whatever other nodes do meanwhile. Found by the simulation.
@Suite struct WrongNodeTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "c"])
    private let faults = ScriptedFaults()

    /// Node a is off; the record says `attaching` and names no client.
    private func unrecorded() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        cluster.intercept(with: faults)
        faults.run(.deviceMap, .after) { [cluster] _ in
            cluster.mutate { $0.powerOff("a") }
            throw PluginIsGone()
        }
        await #expect(throws: PluginIsGone.self) { try await driver.mount("db", id: "m1") }
        #expect(cluster.world.etcd.attachments.values.first?.record.clients == [])
        // Its watch is still there: Ceph believes in it for half a minute.
        cluster.mutate { $0.expireHeartbeat(of: "a") }
    }

    /// Lets node b mount the volume just before `operation` of another node.
    private func interpose(_ operation: PortOperation, of node: String) {
        let winner = DriverFixture.driver(cluster, on: "b")
        faults.run(operation, .before, on: node) { [cluster] _ in
            cluster.mutate { $0.expireHeartbeat(of: node) }
            _ = try? await winner.mount("db", id: "m2")
        }
    }

    private func expectWinnerIsWell() throws {
        let world = cluster.world
        let attachment = try #require(world.etcd.attachments.values.first?.record)
        try #require(attachment.owner.node == "b" && attachment.state == .attached)
        #expect(attachment.clients.allSatisfy { !world.isFenced($0) })
        try cluster.mutate { try $0.write("one", on: "b", at: "/mnt/volumes/db") }
    }

    @Test(arguments: [PortOperation.storeCommit, .imageInspect, .fenceBlocklist, .imageForgetWriters])
    func aNodeThatSleptWhileTakingOverShutsOutNobodyWhoCameAfterIt(_ operation: PortOperation) async throws {
        try await unrecorded()
        interpose(operation, of: "c")
        _ = try? await DriverFixture.driver(cluster, on: "c").mount("db", id: "m3")
        try expectWinnerIsWell()
    }

    @Test(arguments: [PortOperation.storeRead, .storeCommit, .imageInspect, .fenceBlocklist])
    func aNodeThatStartsShutsOutNobodyWhoCameAfterIt(_ operation: PortOperation) async throws {
        try await unrecorded()
        cluster.mutate { $0.powerOn("a") }
        let restarted = DriverFixture.driver(cluster)
        interpose(operation, of: "a")
        try? await restarted.recover()
        try expectWinnerIsWell()
    }
}

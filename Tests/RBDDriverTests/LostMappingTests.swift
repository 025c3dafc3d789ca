import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// A node was fenced while it slept, and wakes up with a device that is of no use any more. Each case was found by the
/// simulation.
@Suite struct LostMappingTests {
    private let cluster = SimulatedCluster()

    /// Node a has the volume; it sleeps, node b takes over; a wakes up.
    private func lost() async throws -> (loser: VolumeDriver, winner: VolumeDriver) {
        let loser = DriverFixture.driver(cluster)
        try await loser.create("db", options: DriverFixture.options)
        _ = try await loser.mount("db", id: "m1")
        cluster.mutate { world in
            world.pause("a")
            world.expireHeartbeat(of: "a")
        }
        let winner = DriverFixture.driver(cluster, on: "b")
        _ = try await winner.mount("db", id: "m2")
        cluster.mutate { $0.wake("a") }
        return (loser, winner)
    }

    /// Another node has taken the claim before there was anything to fence; then the plugin is killed with the image mapped.
    @Test func aMappingThatNoRecordEverKnewIsGivenBackAfterARestart() async throws {
        let loser = DriverFixture.driver(cluster)
        try await loser.create("db", options: DriverFixture.options)
        let winner = DriverFixture.driver(cluster, on: "b")
        let faults = ScriptedFaults()
        faults.run(.imageInspect, .after, on: "a") { [cluster] _ in
            cluster.mutate { $0.expireHeartbeat(of: "a") }
            _ = try await winner.mount("db", id: "m2")
            try await winner.unmount("db", id: "m2")
        }
        faults.run(.deviceMap, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        cluster.intercept(with: faults)
        _ = await errorOf { _ = try await loser.mount("db", id: "m1") }
        #expect(cluster.world.devices(of: "a").count == 1)
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        let again = DriverFixture.driver(cluster)
        try await again.recover()
        await again.reconcileAll()
        #expect(cluster.world.devices(of: "a").isEmpty)
        _ = try await winner.mount("db", id: "m3")
    }

    @Test func itsUnmountLeavesNothing() async throws {
        let (loser, _) = try await lost()
        try await loser.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
        #expect(cluster.world.mounts(of: "b").count == 1)
    }

    @Test func itsUnmountIsBusyWhileAContainerStillHoldsIt() async throws {
        let (loser, _) = try await lost()
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: "/mnt/volumes/db") }
        let error = try #require(await errorOf { try await loser.unmount("db", id: "m1") })
        #expect(error.code == .busy)
        cluster.mutate { $0.release(container) }
        try await loser.unmount("db", id: "m1")
        #expect(cluster.world.devices(of: "a").isEmpty)
    }

    @Test func itsNextMountMapsAnew() async throws {
        let (loser, winner) = try await lost()
        try await winner.unmount("db", id: "m2")
        let mountpoint = try await loser.mount("db", id: "m3")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        #expect(cluster.world.devices(of: "a").count == 1)
    }

    @Test func whatIsLeftOfAVolumeThatWasRemovedSinceGoesToo() async throws {
        let (loser, winner) = try await lost()
        try await winner.unmount("db", id: "m2")
        try await winner.remove("db")
        try await loser.unmount("db", id: "m1")
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test func theReconcilerFindsWhatIsLeftOfARemovedVolume() async throws {
        let (loser, winner) = try await lost()
        try await winner.unmount("db", id: "m2")
        try await winner.remove("db")
        await loser.reconcileAll()
        #expect(cluster.world.leftovers.isEmpty)
    }
}

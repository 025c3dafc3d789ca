import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// A volume whose image has snapshots is not removed, and stays usable.
@Suite struct SnapshotRemovalTests {
    private let faults = ScriptedFaults()
    private let cluster: SimulatedCluster
    private let image = ImageReference(pool: "rbd", name: "db")

    init() { cluster = SimulatedCluster(hook: faults) }

    private var phase: VolumeRecord.Phase? { cluster.world.etcd.volumes.values.first?.record.phase }

    @Test("B2: a volume with snapshots is refused removal, told what to do, and stays ready")
    func b2SnapshotsRefuseRemoval() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try cluster.mutate { try $0.addSnapshot("before-upgrade", of: image) }
        let error = try #require(await errorOf { try await driver.remove("db") })
        #expect(error.code == .busy && error.outcome == .refused)
        #expect(error.description.contains("before-upgrade") && error.description.contains("rbd snap purge rbd/db"))
        #expect(phase == .ready)
        _ = try await driver.mount("db", id: "m1")
        try await driver.unmount("db", id: "m1")

        try cluster.mutate { try $0.removeSnapshot("before-upgrade", of: image) }
        try await driver.remove("db")
        #expect(cluster.world.leftovers == [])
    }

    @Test("B2: a removal that a snapshot stopped half-way gives the volume back")
    func b2InterruptedRemovalIsGivenBack() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("kept", on: "a", at: mountpoint) }
        try await driver.unmount("db", id: "m1")
        // As a plugin left it that was killed after its record, or that knew nothing of snapshots.
        faults.run(.storeCommit, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        _ = try? await driver.remove("db")
        #expect(phase == .removing)
        try cluster.mutate { try $0.addSnapshot("nightly", of: image) }

        let next = DriverFixture.driver(cluster, on: "b")
        let error = try #require(await errorOf { try await next.remove("db") })
        #expect(error.code == .busy)
        #expect(error.description.contains("nightly") && error.description.contains("used as before"))
        #expect(phase == .ready)
        _ = try await next.mount("db", id: "m2")
        #expect(cluster.world.records(of: image) == ["kept"])
        try await next.unmount("db", id: "m2")
    }

    @Test("B2: an image that is not the volume's own gives nothing back")
    func b2ForeignSnapshotsAreNotOurs() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        faults.run(.storeCommit, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        _ = try? await driver.remove("db")
        cluster.mutate { world in
            world.takeAway(image)
            world.addImage(image)
        }
        try cluster.mutate { try $0.addSnapshot("theirs", of: image) }
        try await DriverFixture.driver(cluster, on: "b").remove("db")
        #expect(cluster.world.etcd.volumes.isEmpty)
        #expect(cluster.world.imageNames == ["db"])
    }
}

import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// A volume is mounted here, and its pool has stopped answering.
@Suite struct SilentPoolTests {
    private func mounted() async throws -> (cluster: SimulatedCluster, driver: VolumeDriver, pools: InMemoryPoolHealth)
    {
        let (cluster, pools) = (SimulatedCluster(), InMemoryPoolHealth())
        let driver = VolumeDriver(cluster.startPlugin(on: "a"), poolHealth: pools)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        return (cluster, driver, pools)
    }

    @Test("D13: one more user of a mounted volume whose pool is silent is refused in words, and not counted")
    func d13NewUserIsRefused() async throws {
        let (cluster, driver, pools) = try await mounted()
        pools.setSilence(of: "rbd", .seconds(12))
        let error = await #expect(throws: VolumeError.self) { try await driver.mount("db", id: "m2") }
        #expect(error?.code == .unavailable && error?.outcome == .refused)
        #expect(
            error?.description.contains("pool 'rbd' has not answered for 12 s") == true, "\(String(describing: error))")
        #expect(cluster.world.etcd.attachments.values.first?.record.mountIDs == ["m1": 1])

        pools.setSilence(of: "rbd", nil)
        #expect(try await driver.mount("db", id: "m2") == "/mnt/volumes/db")
    }

    @Test("D13: a container that has the volume may have it again, to go on when the pool answers")
    func d13KnownUserWaits() async throws {
        let (cluster, driver, pools) = try await mounted()
        pools.setSilence(of: "rbd", .seconds(600))
        #expect(try await driver.mount("db", id: "m1") == "/mnt/volumes/db")
        #expect(cluster.world.etcd.attachments.values.first?.record.mountIDs == ["m1": 2])
    }

    @Test("D13: a short silence, and that of another pool, keep nobody waiting")
    func d13OthersGoOn() async throws {
        let (_, driver, pools) = try await mounted()
        pools.setSilence(of: "rbd", .seconds(6))
        pools.setSilence(of: "other", .seconds(600))
        #expect(try await driver.mount("db", id: "m2") == "/mnt/volumes/db")
    }
}

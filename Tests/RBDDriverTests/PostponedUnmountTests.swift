import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Unmounts that failed and are tried again, and the Mounts that come in between with the same id: Docker keeps it.
@Suite struct PostponedUnmountTests {
    private let cluster = SimulatedCluster()
    private let faults = ScriptedFaults()

    /// Volume `db`, mounted on node a for `m1`, whose Unmount has just failed at the effect that is named.
    private func unmountFailed(at operation: PortOperation) async throws -> (VolumeDriver, String) {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let mountpoint = try await driver.mount("db", id: "m1")
        cluster.intercept(with: faults)
        faults.fail(operation, .before, on: "a")
        let error = try #require(await errorOf { try await driver.unmount("db", id: "m1") })
        #expect(error.code == .timedOut)
        faults.stop()
        return (driver, mountpoint)
    }

    private var ids: [String: Int]? { cluster.world.etcd.attachments.values.first?.record.mountIDs }

    @Test(
        "B1: a Mount takes the place of the Unmount of its id that failed",
        arguments: [PortOperation.storeRead, .storeCommit, .mountUnmount, .deviceUnmap])
    func b1AMountTakesThePlaceOfItsFailedUnmount(_ operation: PortOperation) async throws {
        let (driver, mountpoint) = try await unmountFailed(at: operation)
        #expect(try await driver.mount("db", id: "m1") == mountpoint)
        for _ in 1...3 {
            cluster.mutate { $0.advance(by: .seconds(120)) }
            await driver.reconcileAll()
        }
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(ids == ["m1": 1])
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.etcd.attachments.isEmpty)
    }

    @Test("B1: a postponed Unmount that waits for its turn behind such a Mount does nothing")
    func b1AnUnmountThatWaitsBehindTheMountDoesNothing() async throws {
        let (driver, mountpoint) = try await unmountFailed(at: .storeRead)
        // The round begins while the Mount is at work: it finds the turn taken, and the Mount done when it gets it.
        let round = Latch()
        faults.run(.storeRead, .before, on: "a") { _ in
            Task {
                await driver.reconcileAll()
                round.open()
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        _ = try await driver.mount("db", id: "m1")
        await round.pass()
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(ids == ["m1": 1])
    }

    @Test("B1: a Mount that fails leaves the postponed Unmount to be done")
    func b1AFailedMountLeavesTheUnmountToBeDone() async throws {
        let (driver, _) = try await unmountFailed(at: .storeCommit)
        faults.fail(.storeRead, .before, on: "a")
        _ = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        await driver.reconcileAll()
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.etcd.attachments.isEmpty)
    }

    @Test("B1: the Mount of another id leaves a postponed Unmount alone")
    func b1AnotherIDLeavesTheUnmountAlone() async throws {
        let (driver, mountpoint) = try await unmountFailed(at: .storeCommit)
        _ = try await driver.mount("db", id: "m2")
        await driver.reconcileAll()
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(ids == ["m2": 1])
    }
}

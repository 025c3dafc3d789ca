import InMemoryPorts
import PortContracts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import RBDDriver

/// One of two pools does not answer, on simulated nodes.
@Suite struct HungPoolDriverTests {
    private let cluster = SimulatedCluster(pools: ["rbd", "slow"])
    private let faults = ScriptedFaults()

    /// Calls of the kind that begin from now on wait until the pool is woken.
    private func hang(_ operation: PortOperation) -> Latch {
        let sleep = Latch()
        faults.run(operation, .before, times: .max) { call in
            if call.subject.contains("slow") { await sleep.pass() }
        }
        cluster.intercept(with: faults)
        return sleep
    }

    private func options(_ pool: String) -> [String: String] { ["pool": pool, "size": "206"] }

    private func live(_ name: String, _ driver: VolumeDriver) async throws {
        try await driver.create(name, options: options("rbd"))
        _ = try await driver.mount(name, id: "m")
        try await driver.unmount(name, id: "m")
        try await driver.remove(name)
    }

    @Test func asManyAsMayWorkOnAPoolHoldUpTheNextOneThereAndNobodyElsewhere() async throws {
        let driver = DriverFixture.driver(cluster, operationsPerPool: 2)
        let sleep = hang(.imageInspect)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["one", "two"] { group.addTask { try? await driver.create(name, options: options("slow")) } }
            try await eventually("both to be at work") { driver.load.atWork == 2 }
            // Time passes on these nodes by waiting only: its time is up at once, and so is that of the first two.
            let error = try #require(await errorOf { try await driver.create("three", options: options("slow")) })
            #expect(error.code == .timedOut && error.outcome == .refused)
            #expect(error.why == "2 operations on volumes of pool slow are still running")
            #expect(error.remedy.contains("OPERATIONS_PER_POOL"))
            try await live("other", driver)
            sleep.open()
            try await group.waitForAll()
        }
        try await driver.create("three", options: options("slow"))
        #expect(driver.load == OperationsLoad(atWork: 0, waiting: 0))
        #expect(cluster.world.imageNames == ["three"])
    }

    /// Where the node waits for another one to let go, nothing is asked of Ceph or the kernel.
    @Test func whoOnlyWaitsForAnotherNodeTakesNobodysPlace() async throws {
        let owner = DriverFixture.driver(cluster, on: "b")
        try await owner.create("db", options: options("rbd"))
        _ = try await owner.mount("db", id: "m1")
        cluster.mutate { $0.renewHeartbeat(of: "b") }
        let driver = DriverFixture.driver(cluster, operationsPerPool: 1)
        let done = Mutex(false)
        faults.run(.sleep, .before, on: "a") { _ in
            try await live("other", driver)
            done.withLock { $0 = true }
        }
        cluster.intercept(with: faults)
        let error = try #require(await errorOf { try await driver.mount("db", id: "m2") })
        #expect(error.code == .ownedElsewhere)
        let wasDone = done.withLock(\.self)
        #expect(wasDone)
    }

    @Test func aRoundThatHangsInOnePoolLeavesTheOthersTheirs() async throws {
        let driver = DriverFixture.driver(cluster)
        for (name, pool) in [("stuck", "slow"), ("db", "rbd")] {
            try await driver.create(name, options: options(pool))
            _ = try await driver.mount(name, id: "m1")
        }
        cluster.mutate { $0.advance(by: .seconds(120)) }
        try await lose(["stuck"], driver)
        let sleep = hang(.imageWatchers)
        async let first: Void = driver.reconcileAll()
        try await eventually("the round to hang") { driver.load.atWork == 1 }
        try await lose(["db"], driver)
        await driver.reconcileAll()
        #expect(cluster.world.mounts(of: "a") == ["\(DriverFixture.mountRoot)/stuck"])
        sleep.open()
        await first
        #expect(cluster.world.mounts(of: "a").isEmpty)
    }

    /// The records forget who uses the volumes: nobody does, and the next round lets go of them.
    private func lose(_ names: [String], _ driver: VolumeDriver) async throws {
        for name in names {
            let stored = try await driver.ports.store.read(try VolumeName(name))
            var attachment = try #require(stored.attachment?.record)
            attachment.mountIDs = [:]
            let written = try await driver.commit(.init(attachment: .put(attachment)), over: stored)
            #expect(written != nil)
        }
    }

    @Test func recoveryGoesOnBesideAPoolThatHangs() async throws {
        let killed = DriverFixture.driver(cluster)
        for (name, pool) in [("a-stuck", "slow"), ("db", "rbd")] {
            try await killed.create(name, options: options(pool))
            _ = try await killed.mount(name, id: "m1")
        }
        cluster.mutate { $0.reboot("a") }
        let driver = DriverFixture.driver(cluster)
        let sleep = hang(.fenceBreakLock)
        async let recovered: Void = driver.recover()
        try await eventually("the other pool's volume to be in order") {
            cluster.world.etcd.attachments.keys.map { "\($0)" } == ["a-stuck"]
        }
        sleep.open()
        try await recovered
        #expect(cluster.world.etcd.attachments.isEmpty)
    }

    @Test func upkeepWaitsForAPlaceThatNobodyNeeds() async throws {
        let killed = DriverFixture.driver(cluster)
        faults.run(.formatEnd, .before) { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        cluster.intercept(with: faults)
        await #expect(throws: PluginIsGone.self) { try await killed.create("left", options: options("rbd")) }
        faults.stop()
        let driver = DriverFixture.driver(cluster, operationsPerPool: 1)
        try await driver.recover()
        cluster.mutate { $0.advance(by: .seconds(40)) }
        try await driver.create("db", options: options("rbd"))
        faults.run(.deviceMap, .before) { [cluster] _ in
            await driver.reconcileAll()
            #expect(cluster.world.etcd.volumes.count == 2, "the only place is the Mount's")
        }
        _ = try await driver.mount("db", id: "m1")
        await driver.reconcileAll()
        cluster.mutate { $0.advance(by: .seconds(40)) }
        await driver.reconcileAll()
        #expect(cluster.world.etcd.volumes.keys.map { "\($0)" } == ["db"])
    }
}

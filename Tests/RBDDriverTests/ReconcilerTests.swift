import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// What the plugin does without being called, on simulated nodes.
@Suite struct ReconcilerTests {
    private let cluster = SimulatedCluster()

    private func mounted() async throws -> (VolumeDriver, String) {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        return (driver, try await driver.mount("db", id: "m1"))
    }

    /// Lets the other node ask while the owner tends to its volumes at every sleep of the asker.
    private func mountElsewhere(_ owner: VolumeDriver) async throws -> String {
        let other = DriverFixture.driver(cluster, on: "b")
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.run(.sleep, .before, on: "b", times: .max) { [cluster] _ in
            cluster.mutate { $0.renewHeartbeat(of: "a") }
            await owner.reconcileAll()
        }
        return try await other.mount("db", id: "m2")
    }

    @Test func anOwnerThatMissedTheUnmountLetsGoWhenAsked() async throws {
        let (owner, _) = try await mounted()
        cluster.mutate { $0.advance(by: .seconds(120)) }
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        _ = try await mountElsewhere(owner)
        #expect(cluster.world.devices(of: "a").isEmpty)
        #expect(cluster.world.devices(of: "b").count == 1)
        #expect(cluster.world.ceph.blocklist.isEmpty)
    }

    @Test func anOwnerInUseStays() async throws {
        let (owner, mountpoint) = try await mounted()
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        cluster.mutate { $0.advance(by: .seconds(120)) }
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        let error = try #require(await errorOf { try await mountElsewhere(owner) })
        #expect(error.code == .ownedElsewhere)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        try cluster.mutate { try $0.write("mine", by: container) }
    }

    @Test func whoIsRefusedWaitsNoLonger() async throws {
        let (owner, mountpoint) = try await mounted()
        let file = try cluster.mutate { try $0.openFile(on: "a", at: mountpoint) }
        cluster.mutate { $0.advance(by: .seconds(120)) }
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        _ = try #require(await errorOf { try await mountElsewhere(owner) })
        cluster.intercept(with: NoFaults())
        cluster.mutate { $0.release(file) }
        await owner.reconcileAll()
        #expect(cluster.world.etcd.attachments.values.first?.record.wantedBy == nil)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
    }

    @Test func aVolumeJustMountedIsNotTakenFromUnderItsContainer() async throws {
        let (owner, mountpoint) = try await mounted()
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        let error = try #require(await errorOf { try await mountElsewhere(owner) })
        #expect(error.code == .ownedElsewhere)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
    }

    /// The run that answered the Mount was killed; the next one does not know how long ago that was.
    @Test func aRestartDoesNotShortenTheTimeThatAContainerHas() async throws {
        let (_, mountpoint) = try await mounted()
        let restarted = DriverFixture.driver(cluster)
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        await #expect(throws: VolumeError.self) { try await mountElsewhere(restarted) }
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
    }

    @Test func aFencedNodeLetsGoOfWhatItLostAndIsUsableAgain() async throws {
        let (old, mountpoint) = try await mounted()
        cluster.mutate { world in
            world.pause("a")
            world.expireHeartbeat(of: "a")
        }
        let other = DriverFixture.driver(cluster, on: "b")
        _ = try await other.mount("db", id: "m2")
        cluster.mutate { $0.wake("a") }
        await old.reconcileAll()
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
        #expect(cluster.world.ceph.blocklist.isEmpty)
        #expect(cluster.world.mounts(of: "b") == [mountpoint])
        try await other.unmount("db", id: "m2")
        _ = try await old.mount("db", id: "m3")
    }

    @Test func anImageMappedByHandIsLeftAlone() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let device = try cluster.mutate { try $0.mapByHand(ImageReference(pool: "rbd", name: "db"), on: "a") }
        await driver.reconcileAll()
        #expect(cluster.world.devices(of: "a") == [device.path])
    }

    @Test func anUnmountThatEtcdPreventedIsMadeUpFor() async throws {
        let (driver, _) = try await mounted()
        cluster.mutate { $0.cut("a", from: .etcd) }
        await #expect(throws: VolumeError.self) { try await driver.unmount("db", id: "m1") }
        cluster.mutate { $0.heal("a", to: .etcd) }
        await driver.reconcileAll()
        #expect(cluster.world.devices(of: "a").isEmpty)
        #expect(cluster.world.etcd.attachments.isEmpty)
    }

    @Test func aVolumeFoundBusyIsUnmountedOnceItIsIdle() async throws {
        let (driver, mountpoint) = try await mounted()
        let file = try cluster.mutate { try $0.openFile(on: "a", at: mountpoint) }
        await #expect(throws: VolumeError.self) { try await driver.unmount("db", id: "m1") }
        await driver.reconcileAll()
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        cluster.mutate { $0.release(file) }
        await driver.reconcileAll()
        #expect(cluster.world.devices(of: "a").isEmpty)
    }

    /// A Create of node `a` that was killed while it formatted; its plugin has been started again.
    private func killedInMidCreate() async throws -> VolumeDriver {
        let faults = ScriptedFaults()
        faults.run(.formatEnd, .before) { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        let killed = DriverFixture.driver(cluster)
        cluster.intercept(with: faults)
        await #expect(throws: PluginIsGone.self) { try await killed.create("db", options: DriverFixture.options) }
        cluster.intercept(with: NoFaults())
        let restarted = DriverFixture.driver(cluster)
        try await restarted.recover()
        return restarted
    }

    @Test func aKilledCreateThatNobodyRepeatsIsClearedUp() async throws {
        let driver = try await killedInMidCreate()
        for _ in 0..<3 {
            await driver.reconcileAll()
            cluster.mutate { $0.advance(by: .seconds(40)) }
        }
        await driver.reconcileAll()
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test func theImageOfAKilledCreateGoesOnceItsWatcherHas() async throws {
        let driver = try await killedInMidCreate()
        try await driver.create("db", options: DriverFixture.options)
        for _ in 0..<3 {
            await driver.reconcileAll()
            cluster.mutate { $0.advance(by: .seconds(40)) }
        }
        await driver.reconcileAll()
        #expect(cluster.world.imageNames == ["db"])
        #expect(cluster.world.etcd.volumes.count == 1)
        _ = try await driver.mount("db", id: "m1")
    }

    @Test func aCreateThatIsAtWorkIsLeftAlone() async throws {
        let driver = DriverFixture.driver(cluster)
        let faults = ScriptedFaults()
        // Within its own turn, and from another node.
        let other = DriverFixture.driver(cluster, on: "b")
        faults.run(.formatEnd, .before) { _ in
            await driver.reconcileAll()
            await other.reconcileAll()
        }
        cluster.intercept(with: faults)
        try await driver.create("db", options: DriverFixture.options)
        #expect(cluster.world.imageNames == ["db"])
    }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Calls that failed half-way on a node that lives on: other nodes must not wait for it in vain. Each case was found by
/// the simulation.
@Suite struct HalfWayTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "c"])
    private let faults = ScriptedFaults()

    private func created() async throws -> VolumeDriver {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        cluster.intercept(with: faults)
        return driver
    }

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    @Test func aClaimThatCouldNotBeUndoneIsGivenBackByTheReconciler() async throws {
        let driver = try await created()
        faults.fail(.mountMount)
        faults.fail(.deviceUnmap)
        await #expect(throws: VolumeError.self) { try await driver.mount("db", id: "m1") }
        #expect(attachment?.state == .attaching)
        await driver.reconcileAll()
        #expect(attachment == nil)
        #expect(cluster.world.devices(of: "a").isEmpty)
        _ = try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2")
    }

    @Test("A Mount that finds the filesystem of a half-done one prepares its root all the same")
    func theRootOfAHalfDoneMountIsPrepared() async throws {
        let driver = try await created()
        faults.fail(.mountPrepareRoot)
        faults.fail(.mountUnmount)
        await #expect(throws: VolumeError.self) { try await driver.mount("db", id: "m1") }
        let mountpoint = try await driver.mount("db", id: "m2")
        #expect(try !cluster.world.filesystem(on: "a", at: mountpoint).hasLostAndFound)
    }

    @Test("A device that could not be mapped anew after its repair is so by the next Mount")
    func aRepairedDeviceIsMappedAnewByTheNextMount() async throws {
        let driver = try await created()
        for image in cluster.world.ceph.images.keys { cluster.mutate { $0.disorder(image) } }
        faults.fail(.deviceUnmap, times: 2)
        await #expect(throws: VolumeError.self) { try await driver.mount("db", id: "m1") }
        let client = try #require(attachment?.clients.first)
        let mountpoint = try await driver.mount("db", id: "m2")
        #expect(cluster.world.harm.isEmpty)
        #expect(attachment?.clients.contains(client) == false)
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
    }

    @Test("A device that a killed plugin could not map anew after its repair is so by the next one's Mount")
    func aRepairedDeviceIsMappedAnewByTheNextPlugin() async throws {
        let driver = try await created()
        for image in cluster.world.ceph.images.keys { cluster.mutate { $0.disorder(image) } }
        faults.run(.deviceUnmap, .before) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "a") }
            throw PluginIsGone()
        }
        _ = try? await driver.mount("db", id: "m1")
        let client = try #require(attachment?.clients.first)
        // Docker's Mount comes before the plugin has put its house in order.
        let mountpoint = try await DriverFixture.driver(cluster).mount("db", id: "m2")
        #expect(cluster.world.harm.isEmpty)
        #expect(attachment?.clients.contains(client) == false)
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
    }

    @Test("A Create that another node undid while it was held up still makes its volume")
    func aCreateThatWasUndoneTooEarlyMakesItsVolume() async throws {
        let driver = DriverFixture.driver(cluster)
        let other = DriverFixture.driver(cluster, on: "b")
        cluster.intercept(with: faults)
        faults.run(.imageCreate, .before, on: "a") { [cluster] _ in
            cluster.mutate { $0.expireHeartbeat(of: "a") }
            try await other.remove("db")
            #expect(cluster.world.etcd.volumes.isEmpty)
        }
        try await driver.create("db", options: DriverFixture.options)
        #expect(cluster.world.imageNames == ["db"])
        #expect(cluster.world.etcd.volumes.values.map(\.record.phase) == [.ready])
        let mountpoint = try await other.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "b", at: mountpoint) }
    }

    @Test("A Mount whose mapping has died and left its device to another volume mounts nothing")
    func aDeviceThatIsAnothersByNowIsNotMounted() async throws {
        let driver = try await created()
        try await driver.create("other", options: DriverFixture.options)
        faults.run(.mountHold, .before, on: "a") { [cluster] _ in
            for device in cluster.world.devices(of: "a") { cluster.mutate { $0.killMapping(device, on: "a") } }
            _ = try await driver.mount("other", id: "o1")
        }
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.description.contains("its mapping /dev/rbd0 has ended"))
        #expect(cluster.world.mounts(of: "a") == ["/mnt/volumes/other"])
        try await driver.unmount("other", id: "o1")
        #expect(cluster.world.devices(of: "a").isEmpty && cluster.world.mounts(of: "a").isEmpty)
    }

    @Test("A Mount whose mapping dies while it is looked at leaves its path to nobody, and mounts nothing")
    func aDeviceThatIsHeldIsNobodyElses() async throws {
        let driver = try await created()
        try await driver.create("other", options: DriverFixture.options)
        faults.run(.filesystemCheck, .before, on: "a") { [cluster] _ in
            for device in cluster.world.devices(of: "a") { cluster.mutate { $0.killMapping(device, on: "a") } }
            _ = try await driver.mount("other", id: "o1")
            #expect(cluster.world.devices(of: "a") == ["/dev/rbd1"])
        }
        await #expect(throws: VolumeError.self) { _ = try await driver.mount("db", id: "m1") }
        #expect(cluster.world.mounts(of: "a") == ["/mnt/volumes/other"])
        try await driver.unmount("other", id: "o1")
        let mountpoint = try await driver.mount("db", id: "m2")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        #expect(cluster.world.harm.isEmpty)
    }

    @Test func aTakeOverThatWasGivenUpIsFinishedByTheReconciler() async throws {
        let old = try await created()
        _ = try await old.mount("db", id: "m1")
        let client = try #require(attachment?.clients.first)
        cluster.mutate { world in
            world.pause("a")
            world.expireHeartbeat(of: "a")
        }
        let other = DriverFixture.driver(cluster, on: "b")
        faults.fail(.fenceBlocklist, on: "b")
        await #expect(throws: VolumeError.self) { try await other.mount("db", id: "m2") }
        #expect(attachment?.state == .fencing)
        await other.reconcileAll()
        #expect(attachment == nil)
        #expect(cluster.world.isFenced(client))
        _ = try await DriverFixture.driver(cluster, on: "c").mount("db", id: "m3")
    }

    /// The volume was mapped before; whatever fails in attaching it anew, the claim goes only after the device.
    @Test(arguments: [1, 2]) func aReattachThatFailsAtOnceForgetsNoDevice(_ failures: Int) async throws {
        let driver = try await created()
        _ = try await driver.mount("db", id: "m1")
        faults.fail(.deviceList)
        await #expect(throws: VolumeError.self) { try await driver.unmount("db", id: "m1") }
        faults.fail(.deviceList, times: failures)
        await #expect(throws: VolumeError.self) { try await driver.mount("db", id: "m2") }
        #expect((attachment == nil) == cluster.world.devices(of: "a").isEmpty)
        await driver.reconcileAll()
        #expect(attachment == nil && cluster.world.devices(of: "a").isEmpty)
    }

    @Test func aCreateThatNobodyFinishesIsCarriedOnByAnotherNode() async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.intercept(with: faults)
        faults.run(.formatBegin, .after) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "a") }
            throw PluginIsGone()
        }
        await #expect(throws: (any Error).self) { try await driver.create("db", options: DriverFixture.options) }
        let restarted = DriverFixture.driver(cluster)
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        let other = DriverFixture.driver(cluster, on: "b")
        try await other.create("db", options: DriverFixture.options)
        await restarted.reconcileAll()
        #expect(cluster.world.devices(of: "a").isEmpty)
        cluster.mutate { $0.advance(by: .seconds(40)) }
        try await other.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
    }

    /// The answer was lost, the rename was looked for in vain, and comes while the rest is being removed: before the
    /// unfinished image was withdrawn, or after that.
    @Test(arguments: [PortOperation.imageRename, .imageTrim])
    func aRenameThatComesLateMakesTheVolumeOrNothing(_ moment: PortOperation) async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.intercept(with: faults)
        faults.delay(.imageRename)
        faults.run(moment, .before) { [faults] _ in faults.deliverLate() }
        try? await driver.create("db", options: DriverFixture.options)
        await driver.reconcileAll()
        if cluster.world.imageNames.isEmpty {
            #expect(cluster.world.leftovers.isEmpty)
            try await driver.create("db", options: DriverFixture.options)
        }
        #expect(cluster.world.imageNames == ["db"])
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
    }

    /// The create could not be undone, since Ceph did not say whether the rename had come. It comes after the remove has
    /// looked for the volume's image.
    @Test func aRenameThatComesLateIntoARemoveLeavesNothing() async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.intercept(with: faults)
        faults.delay(.imageRename)
        faults.fail(.imageInspect, skipping: 1)
        await #expect(throws: VolumeError.self) { try await driver.create("db", options: DriverFixture.options) }
        #expect(cluster.world.etcd.volumes.values.map(\.record.phase) == [.creating])
        faults.run(.storeCommit, .after) { [faults, cluster] _ in
            #expect(cluster.world.imageNames != ["db"])
            faults.deliverLate()
            #expect(cluster.world.imageNames == ["db"])
        }
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
    }

    /// The volume's own image goes and another one gets its name after it was looked at, with the record or without it.
    @Test(arguments: [PortOperation.storeCommit, .imageInspect])
    func aRemoveLeavesAnImageAloneThatGotTheNameMeanwhile(_ moment: PortOperation) async throws {
        let driver = try await created()
        let image = ImageReference(pool: "rbd", name: "db")
        faults.run(moment, .after) { [cluster] _ in
            cluster.mutate { world in
                world.takeAway(image)
                world.addImage(image)
            }
        }
        try await driver.remove("db")
        #expect(cluster.world.leftovers == ["image db"])
        #expect(cluster.world.ceph.images[image]?.uid == nil)
    }

    @Test func aRenameThatComesAfterTheRemovalFindsNothing() async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.intercept(with: faults)
        faults.delay(.imageRename)
        await #expect(throws: VolumeError.self) { try await driver.create("db", options: DriverFixture.options) }
        faults.deliverLate()
        #expect(cluster.world.leftovers.isEmpty)
        try await driver.create("db", options: DriverFixture.options)
    }
}

import InMemoryPorts
import PortContracts
import Testing
import VolumeCore

@testable import RBDDriver

/// More small defects that a reading of the driver has put in, and that no other test noticed. The numbers are the reading's.
@Suite struct OverlookedDefectTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "c"])
    private let faults = ScriptedFaults()
    private let image = ImageReference(pool: "rbd", name: "db")

    private func ready() async throws -> VolumeDriver {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        return driver
    }

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    private func client(on node: String) throws -> ClientAddress {
        try #require(cluster.world.nodes[node]?.kernel.mappings.first?.client)
    }

    /// The node stops where it is, and nobody hears of it any more.
    private func fallSilent(_ node: String) {
        cluster.mutate { world in
            world.pause(node)
            world.expireHeartbeat(of: node)
        }
    }

    /// Every time the node waits, the heartbeat of the other one lives.
    private func keepAlive(_ owner: String, whenever waiting: String) {
        cluster.mutate { $0.renewHeartbeat(of: owner) }
        faults.run(.sleep, .before, on: waiting, times: .max) { [cluster] _ in
            cluster.mutate { $0.renewHeartbeat(of: owner) }
        }
    }

    // MARK: Fences

    @Test("G3: a take-over leaves the lock to whom it does not shut out")
    func g3AStrangerKeepsTheLock() async throws {
        let old = try await ready()
        _ = try await old.mount("db", id: "m1")
        fallSilent("a")
        let stranger = try #require(try cluster.mutate { try $0.mapByHand(image, on: "c") }.client)
        var held = try #require(cluster.world.ceph.images[image])
        held.lockOwner = stranger
        cluster.mutate { [held, image] in $0.plant(held, as: image) }
        let error = try #require(
            await errorOf { _ = try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2") })
        #expect(error.code == .inUse)
        #expect(cluster.world.ceph.images[image]?.lockOwner == stranger)
    }

    @Test("G66: once a take-over has written down whom it shuts out, it shuts out nobody else")
    func g66TheListOfAFenceIsClosedOnce() async throws {
        let old = try await ready()
        faults.run(.deviceMap, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        cluster.intercept(with: faults)
        _ = try? await old.mount("db", id: "m1")
        let victim = try client(on: "a")
        fallSilent("a")
        let driver = DriverFixture.driver(cluster, on: "b")
        faults.fail(.fenceBlocklist, on: "b")
        _ = try #require(await errorOf { _ = try await driver.mount("db", id: "m2") })
        #expect(attachment?.state == .fencing)
        let stranger = try #require(try cluster.mutate { try $0.mapByHand(image, on: "c") }.client)
        await driver.reconcileAll()
        #expect(attachment == nil)
        #expect(cluster.world.isFenced(victim) && !cluster.world.isFenced(stranger))
    }

    @Test("G4: what cannot be unmapped yet stays shut out")
    func g4ALostMappingInUseStaysShutOut() async throws {
        let loser = try await ready()
        let mountpoint = try await loser.mount("db", id: "m1")
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        fallSilent("a")
        _ = try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2")
        cluster.mutate { $0.wake("a") }
        let error = try #require(await errorOf { try await loser.unmount("db", id: "m1") })
        #expect(error.code == .busy)
        #expect(try cluster.world.isFenced(client(on: "a")))
        #expect(throws: VolumeError.self) { try cluster.mutate { try $0.write("late", by: container) } }
    }

    // MARK: What a node still has

    @Test("G5: a Mount that finds the device of before, and fails at once, gives it back in good order")
    func g5AFailedReattachGivesTheDeviceBack() async throws {
        let driver = try await ready()
        _ = try await driver.mount("db", id: "m1")
        let client = try client(on: "a")
        cluster.mutate { $0.unmountLazily(below: DriverFixture.mountRoot, on: "a") }
        // With its claim the Mount has begun: then the look at what is mapped fails.
        faults.run(.storeCommit, .after) { [faults] _ in faults.fail(.deviceList) }
        cluster.intercept(with: faults)
        _ = try #require(await errorOf { _ = try await driver.mount("db", id: "m2") })
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
        #expect(!cluster.world.isFenced(client))
    }

    @Test("G13: while this node takes a volume over, its Unmount gives back what it lost before")
    func g13AnUnmountDuringATakeOverLeavesNothing() async throws {
        let loser = try await ready()
        _ = try await loser.mount("db", id: "m1")
        fallSilent("a")
        _ = try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2")
        cluster.mutate { $0.wake("a") }
        fallSilent("b")
        faults.fail(.fenceBlocklist, on: "a")
        cluster.intercept(with: faults)
        _ = try #require(await errorOf { _ = try await loser.mount("db", id: "m3") })
        #expect(attachment?.owner.node == "a" && attachment?.state == .fencing)
        try await loser.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
    }

    @Test("G12: the record of an earlier boot gives this one no right to a mapping")
    func g12ARecordOfAnEarlierBootKeepsNothing() async throws {
        let driver = try await ready()
        _ = try await driver.mount("db", id: "m1")
        // As after etcd was restored from a backup.
        var restored = try #require(attachment)
        restored.owner = NodeIdentity(node: "a", boot: "a-boot-0")
        let name = try VolumeName("db")
        cluster.mutate { [restored] in $0.putByHand(restored, of: name) }
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
    }

    @Test("G31: a device that was mapped a moment ago and is busy all the same is not mounted")
    func g31ABusyNewDeviceIsNotMounted() async throws {
        let driver = try await ready()
        faults.fail(.filesystemCheck, with: VolumeError(.busy, "check", why: "it is in use", outcome: .refused))
        cluster.intercept(with: faults)
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .busy)
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
    }

    @Test("G33: a Mount that failed and could not be undone counts for nobody")
    func g33AFailedMountCountsForNobody() async throws {
        let driver = try await ready()
        faults.fail(.mountMount)
        faults.fail(.deviceUnmap)
        cluster.intercept(with: faults)
        _ = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(attachment?.mountIDs == [:])
        _ = try await driver.mount("db", id: "m2")
        try await driver.unmount("db", id: "m2")
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
    }

    // MARK: Counting and asking

    @Test("G62: a Mount that meets another write counts again")
    func g62AMountThatMeetsAnotherWriteCountsAgain() async throws {
        let owner = try await ready()
        _ = try await owner.mount("db", id: "m1")
        let asker = cluster.startPlugin(on: "b")
        faults.run(.storeCommit, .before, on: "a") { _ in
            let stored = try await asker.store.read(try VolumeName("db"))
            var record = try #require(stored.attachment?.record)
            record.wantedBy = asker.identity
            _ = try await asker.store.commit(.init(attachment: .put(record)), over: stored)
        }
        cluster.intercept(with: faults)
        _ = try await owner.mount("db", id: "m2")
        #expect(attachment?.mountIDs == ["m1": 1, "m2": 1])
    }

    @Test("G25: nobody asks an owner that is letting go already")
    func g25AnOwnerThatLetsGoIsNotDisturbed() async throws {
        let owner = try await ready()
        _ = try await owner.mount("db", id: "m1")
        let other = DriverFixture.driver(cluster, on: "b")
        keepAlive("a", whenever: "b")
        faults.run(.deviceUnmap, .before, on: "a") { _ in
            _ = await errorOf { _ = try await other.mount("db", id: "m2") }
        }
        cluster.intercept(with: faults)
        try await owner.unmount("db", id: "m1")
        #expect(attachment == nil)
    }

    @Test("G34: a node that gives up waiting takes back no other node's request")
    func g34AnotherNodesRequestStands() async throws {
        let owner = try await ready()
        _ = try await owner.mount("db", id: "m1")
        let name = try VolumeName("db")
        var wanted = try #require(attachment)
        wanted.wantedBy = NodeIdentity(node: "c", boot: "c-boot-1")
        cluster.mutate { [wanted] in $0.putByHand(wanted, of: name) }
        keepAlive("a", whenever: "b")
        cluster.intercept(with: faults)
        let other = DriverFixture.driver(cluster, on: "b")
        let error = try #require(await errorOf { _ = try await other.mount("db", id: "m2") })
        #expect(error.code == .ownedElsewhere)
        #expect(attachment?.wantedBy?.node == "c")
    }

    @Test("G9: while Ceph does not answer, an owner that is asked does not try to let go")
    func g9NothingIsUnmountedWithoutCeph() async throws {
        let owner = try await ready()
        let mountpoint = try await owner.mount("db", id: "m1")
        cluster.mutate { $0.advance(by: .seconds(120)) }
        let name = try VolumeName("db")
        var wanted = try #require(attachment)
        wanted.wantedBy = NodeIdentity(node: "b", boot: "b-boot-1")
        cluster.mutate { [wanted] world in
            world.putByHand(wanted, of: name)
            world.cut("a", from: .ceph)
        }
        cluster.forgetCalls()
        await owner.reconcileAll()
        #expect(attachment == wanted)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(!cluster.calls.contains { $0.operation == .mountUnmount })
    }

    // MARK: Images and time

    @Test("G18: a rename that comes while the unfinished images go leaves nothing behind a Remove")
    func g18ALateRenameIntoARemoveLeavesNothing() async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.intercept(with: faults)
        faults.delay(.imageRename)
        faults.fail(.imageInspect, skipping: 1)
        _ = try #require(await errorOf { try await driver.create("db", options: DriverFixture.options) })
        #expect(cluster.world.etcd.volumes.values.map(\.record.phase) == [.creating])
        // The first look at the unfinished image: the volume's own name was looked at before.
        faults.run(.imageInspect, .before, times: .max) { [faults, image] call in
            if call.subject != "\(image)" { faults.deliverLate() }
        }
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test("G43: a rename that comes while the unfinished image is removed makes no volume of what is left of it")
    func g43ALateRenameMakesNoVolumeOfRemains() async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.intercept(with: faults)
        faults.delay(.imageRename)
        faults.run(.imageRemove, .before) { [faults] _ in faults.deliverLate() }
        _ = try #require(await errorOf { try await driver.create("db", options: DriverFixture.options) })
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test("G45: the volume's image is not removed by the name that it had before")
    func g45AHalfRenamedImageIsNotRemoved() async throws {
        let plain = DriverFixture.driver(cluster)
        let images = HalfRenamingImages(base: plain.ports.images, volume: image)
        var ports = plain.ports
        ports.images = images
        let driver = VolumeDriver(ports: ports, settings: plain.settings, me: plain.me, log: plain.log)
        faults.fail(.imageRename, .after)
        cluster.intercept(with: faults)
        try await driver.create("db", options: DriverFixture.options)
        #expect(images.finished == ["db"])
        #expect(cluster.calls.filter { $0.operation == .imageRename }.count == 1)
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("G52: an operation that has used up its time does nothing more, and is undone")
    func g52TimeRunsOut() async throws {
        let driver = try await ready()
        faults.run(.filesystemCheck, .before, on: "a") { [cluster] _ in
            cluster.mutate { $0.advance(by: .seconds(30)) }
        }
        cluster.intercept(with: faults)
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .timedOut)
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
    }
}

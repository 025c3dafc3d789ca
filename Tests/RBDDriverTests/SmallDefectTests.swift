import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Small defects that a reading of the driver has put in, and that no other test noticed. The numbers are the reading's.
@Suite struct SmallDefectTests {
    private let cluster = SimulatedCluster()
    private let faults = ScriptedFaults()

    private func ready() async throws -> VolumeDriver {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        return driver
    }

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    /// Every time node b waits, both heartbeats live, and `body` runs.
    private func whenever(bWaits body: @escaping @Sendable () async -> Void) {
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        faults.run(.sleep, .before, on: "b", times: .max) { [cluster] _ in
            cluster.mutate { $0.renewHeartbeat(of: "a") }
            await body()
        }
        cluster.intercept(with: faults)
    }

    @Test("G8: an Unmount that was overtaken leaves the new owner's record alone")
    func g8AnOvertakenUnmountLeavesTheNewRecordAlone() async throws {
        let loser = try await ready()
        _ = try await loser.mount("db", id: "m1")
        let winner = DriverFixture.driver(cluster, on: "b")
        faults.run(.deviceUnmap, .after, on: "a") { [cluster] _ in
            cluster.mutate { $0.expireHeartbeat(of: "a") }
            _ = try await winner.mount("db", id: "m2")
        }
        cluster.intercept(with: faults)
        try await loser.unmount("db", id: "m1")
        #expect(attachment?.owner.node == "b" && attachment?.state == .attached)
        #expect(cluster.world.devices(of: "b").count == 1)
    }

    @Test("G24: after a repair the record names the client of the new mapping")
    func g24TheClientOfTheNewMappingIsRecorded() async throws {
        let driver = try await ready()
        cluster.mutate { $0.disorder(ImageReference(pool: "rbd", name: "db")) }
        _ = try await driver.mount("db", id: "m1")
        let image = try #require(cluster.world.ceph.images[ImageReference(pool: "rbd", name: "db")])
        #expect(attachment?.clients == cluster.world.writers(ofImage: image.id))
    }

    @Test("G35: a volume that was mounted a moment ago is not given away, however long the plugin runs")
    func g35AJustMountedVolumeIsNotGivenAway() async throws {
        let owner = try await ready()
        cluster.mutate { $0.advance(by: .seconds(120)) }
        let mountpoint = try await owner.mount("db", id: "m1")
        let other = DriverFixture.driver(cluster, on: "b")
        whenever { await owner.reconcileAll() }
        let error = try #require(await errorOf { _ = try await other.mount("db", id: "m2") })
        #expect(error.code == .ownedElsewhere)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
    }

    @Test("G6: a mapping whose answer is lost is undone, or the claim stays")
    func g6AMappingWithoutAnAnswerIsUndone() async throws {
        let driver = try await ready()
        faults.fail(.deviceMap, .after)
        cluster.intercept(with: faults)
        _ = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(cluster.world.devices(of: "a").isEmpty)
        #expect(attachment == nil)
    }

    @Test("G63: an Unmount that meets another write counts again")
    func g63AnUnmountThatMeetsAnotherWriteCountsAgain() async throws {
        let owner = try await ready()
        for id in ["m1", "m2"] { _ = try await owner.mount("db", id: id) }
        let asker = cluster.startPlugin(on: "b")
        faults.run(.storeRead, .after, on: "a") { _ in
            let stored = try await asker.store.read(try VolumeName("db"))
            var record = try #require(stored.attachment?.record)
            record.wantedBy = asker.identity
            _ = try await asker.store.commit(.init(attachment: .put(record)), over: stored)
        }
        cluster.intercept(with: faults)
        try await owner.unmount("db", id: "m1")
        #expect(attachment?.mountIDs == ["m2": 1])
    }

    @Test("G11: a node that is refused takes its request back, also from an owner that never answers")
    func g11ARefusedNodeTakesItsRequestBack() async throws {
        let owner = try await ready()
        _ = try await owner.mount("db", id: "m1")
        let other = DriverFixture.driver(cluster, on: "b")
        whenever {}
        let error = try #require(await errorOf { _ = try await other.mount("db", id: "m2") })
        #expect(error.code == .ownedElsewhere)
        #expect(attachment != nil && attachment?.wantedBy == nil)
    }

    @Test("G28: an image that somebody has mapped is not adopted")
    func g28AnImageInUseIsNotAdopted() async throws {
        let driver = DriverFixture.driver(cluster)
        let image = ImageReference(pool: "rbd", name: "db")
        let filesystem = SimulatedFilesystem(type: .ext4, size: .mebibytes(512))
        cluster.mutate { $0.addImage(image, content: .filesystem(filesystem)) }
        _ = try cluster.mutate { try $0.mapByHand(image, on: "b") }
        let error = await errorOf { try await driver.create("db", options: ["pool": "rbd", "adopt": "true"]) }
        #expect(error?.code == .inUse)
        #expect(cluster.world.ceph.images[image]?.uid == nil && cluster.world.etcd.volumes.isEmpty)
    }

    @Test("G27: another node does not clear up a Create that is about to rename its image")
    func g27AnotherNodesCreateIsNotClearedUp() async throws {
        let driver = DriverFixture.driver(cluster)
        let other = DriverFixture.driver(cluster, on: "b")
        faults.run(.imageRename, .before, on: "a") { _ in await other.reconcileAll() }
        cluster.intercept(with: faults)
        try await driver.create("db", options: DriverFixture.options)
        #expect(cluster.calls.filter { $0.operation == .imageCreate }.map(\.node) == ["a"])
        #expect(cluster.calls.filter { $0.operation == .imageRename }.map(\.node) == ["a"])
    }

    @Test("G65: a take-over breaks the lock, and only after the blocklist")
    func g65TheLockIsBrokenAfterTheBlocklist() async throws {
        let driver = try await ready()
        _ = try await driver.mount("db", id: "m1")
        cluster.mutate { world in
            world.pause("a")
            world.expireHeartbeat(of: "a")
        }
        cluster.forgetCalls()
        _ = try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2")
        let steps: [PortOperation] = [.fenceBlocklist, .fenceBreakLock, .deviceMap]
        #expect(cluster.calls.map(\.operation).filter(steps.contains) == steps)
    }

    @Test("G20: what undoes a Mount has time of its own when the Mount has used up its")
    func g20UndoingHasTimeOfItsOwn() async throws {
        let driver = try await ready()
        faults.run(.mountMount, .before, on: "a") { [cluster] call in
            cluster.mutate { $0.advance(by: .seconds(30)) }
            throw ScriptedFaults.lost(call.operation)
        }
        cluster.intercept(with: faults)
        _ = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
    }
}

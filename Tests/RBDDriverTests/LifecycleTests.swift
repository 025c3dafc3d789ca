import InMemoryPorts
import PortContracts
import RBDDriver
import Synchronization
import Testing
import VolumeCore

/// The main job and its bad days, on simulated nodes.
@Suite struct LifecycleTests {
    private let cluster = SimulatedCluster()

    private func name() throws -> VolumeName { try VolumeName("db") }

    @Test func aVolumeLivesFromCreateToRemove() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        #expect(cluster.world.imageNames == ["db"])
        #expect(try await driver.get("db").mountpoint == "")
        let mountpoint = try await driver.mount("db", id: "m1")
        #expect(mountpoint == "/mnt/volumes/db")
        #expect(try await driver.path("db") == mountpoint)
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.devices(of: "a").isEmpty)
        #expect(try await driver.path("db") == "")
        let again = try await driver.mount("db", id: "m2")
        try cluster.mutate { try $0.write("two", on: "a", at: again) }
        #expect(cluster.world.ceph.images.values.first?.records == ["one", "two"])
        try await driver.unmount("db", id: "m2")
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
        let error = try #require(await errorOf { try await driver.get("db") })
        #expect(error.code == .notFound)
    }

    /// Opening an image is what takes Ceph longest.
    @Test func mountAndRemoveLookAtTheImageOnce() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let looks = [PortOperation.imageInspect, .imageWatchers]
        var before = cluster.calls.count
        _ = try await driver.mount("db", id: "m1")
        #expect(cluster.calls.dropFirst(before).map(\.operation).filter(looks.contains) == [.imageInspect])
        try await driver.unmount("db", id: "m1")
        before = cluster.calls.count
        try await driver.remove("db")
        #expect(cluster.calls.dropFirst(before).map(\.operation).filter(looks.contains) == [.imageInspect])
    }

    @Test func createIsIdempotentAndContradictionsAreRefused() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.create("db", options: ["pool": "rbd"])
        let error = try #require(
            await errorOf { try await driver.create("db", options: ["pool": "rbd", "size": "1G"]) })
        #expect(error.code == .alreadyExists)
        #expect(cluster.world.ceph.images.values.map(\.timesFormatted) == [1])
    }

    @Test func aForeignImageIsNeverTouchedUnlessAdopted() async throws {
        let driver = DriverFixture.driver(cluster)
        let image = ImageReference(pool: "rbd", name: "db")
        try await driver.create("other", options: DriverFixture.options)
        cluster.mutate { world in
            guard var foreign = world.ceph.images[image.named("other")] else { return }
            foreign.uid = nil
            foreign.id = "foreign"
            world.plant(foreign, as: image)
        }
        let before = cluster.world.ceph.images[image]
        let error = try #require(await errorOf { try await driver.create("db", options: DriverFixture.options) })
        #expect(error.code == .foreignImage)
        #expect(error.description.contains("adopt"))
        #expect(cluster.world.ceph.images[image] == before)
        #expect(cluster.world.etcd.volumes[try name()] == nil)
        try await driver.create("db", options: ["pool": "rbd", "adopt": "true"])
        #expect(cluster.world.ceph.images[image]?.timesFormatted == before?.timesFormatted)
        _ = try await driver.mount("db", id: "m")
    }

    @Test func twoIDsShareTheMountAndTheSecondUnmountEndsIt() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let first = try await driver.mount("db", id: "m1")
        let second = try await driver.mount("db", id: "m2")
        #expect(first == second)
        #expect(cluster.world.devices(of: "a").count == 1)
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a") == [first])
        try await driver.unmount("db", id: "m2")
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
    }

    @Test func theSameIDTwiceNeedsTwoUnmounts() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let mountpoint = try await driver.mount("db", id: "m1")
        _ = try await driver.mount("db", id: "m1")
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a").isEmpty)
    }

    @Test func unknownIDsAndIdleVolumesUnmountWithoutHarm() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.unmount("db", id: "never")
        try await driver.unmount("nothing", id: "never")
        let mountpoint = try await driver.mount("db", id: "m1")
        try await driver.unmount("db", id: "never")
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
    }

    @Test func aBusyVolumeStaysMountedAndUsable() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let mountpoint = try await driver.mount("db", id: "m1")
        let file = try cluster.mutate { try $0.openFile(on: "a", at: mountpoint) }
        let error = try #require(await errorOf { try await driver.unmount("db", id: "m1") })
        #expect(error.code == .busy)
        try cluster.mutate { try $0.write("still", on: "a", at: mountpoint) }
        #expect(try await driver.path("db") == mountpoint)
        let seen = Seen()
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.run(.mountUnmount, .before) { _ in seen.note(try await driver.path("db")) }
        await #expect(throws: VolumeError.self) { try await driver.unmount("db", id: "m1") }
        #expect(seen.paths.first == mountpoint, "it is tried whether it can be unmounted, and it is mounted")
        let inUse = try #require(await errorOf { try await driver.remove("db") })
        #expect(inUse.code == .busy)
        cluster.mutate { $0.release(file) }
        faults.run(.mountUnmount, .after) { _ in seen.note(try await driver.path("db")) }
        try await driver.unmount("db", id: "m1")
        #expect(seen.paths.last == "", "then it was not mounted any more")
        #expect(cluster.world.devices(of: "a").isEmpty)
    }

    @Test func aContainerThatOutlivesItsDaemonKeepsTheVolumeUsable() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let mountpoint = try await driver.mount("db", id: "m1")
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        let error = try #require(await errorOf { try await driver.unmount("db", id: "m1") })
        #expect(error.code == .busy)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        try cluster.mutate { try $0.write("alive", by: container) }
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        #expect(cluster.world.devices(of: "a").count == 1)
    }

    @Test func afterALazyUnmountTheLiveDeviceIsMountedAgainAndNotMappedTwice() async throws {
        let before = DriverFixture.driver(cluster)
        try await before.create("db", options: DriverFixture.options)
        let mountpoint = try await before.mount("db", id: "m1")
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        cluster.mutate { $0.unmountLazily(below: DriverFixture.mountRoot, on: "a") }
        let after = DriverFixture.driver(cluster)
        #expect(try await after.mount("db", id: "m2") == mountpoint)
        #expect(cluster.world.devices(of: "a").count == 1)
        try cluster.mutate { try $0.write("both", by: container) }
        cluster.mutate { $0.release(container) }
        try await after.unmount("db", id: "m1")
        try await after.unmount("db", id: "m2")
        #expect(cluster.world.devices(of: "a").isEmpty)
    }

    @Test func aMountedVolumeIsNotRemoved() async throws {
        let driver = DriverFixture.driver(cluster)
        let other = DriverFixture.driver(cluster, on: "b")
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        for each in [driver, other] {
            let error = try #require(await errorOf { try await each.remove("db") })
            #expect(error.code == .inUse)
            #expect(error.description.contains("node a"))
        }
        #expect(cluster.world.imageNames == ["db"])
    }

    @Test func aLiveOwnersVolumeIsRefusedByName() async throws {
        let driver = DriverFixture.driver(cluster)
        let other = DriverFixture.driver(cluster, on: "b")
        try await driver.create("db", options: DriverFixture.options)
        let mountpoint = try await driver.mount("db", id: "m1")
        cluster.mutate { $0.renewHeartbeat(of: "a") }
        let error = try #require(await errorOf { try await other.mount("db", id: "m9") })
        #expect(error.code == .ownedElsewhere)
        #expect(error.description.contains("node a"))
        #expect(cluster.world.devices(of: "b").isEmpty)
        try cluster.mutate { try $0.write("mine", on: "a", at: mountpoint) }
    }

    @Test func aDeadNodesVolumeIsTakenOverBehindAFence() async throws {
        let driver = DriverFixture.driver(cluster)
        let other = DriverFixture.driver(cluster, on: "b")
        try await driver.create("db", options: DriverFixture.options)
        let old = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("first", on: "a", at: old) }
        cluster.mutate { world in
            world.pause("a")
            world.expireHeartbeat(of: "a")
        }
        let new = try await other.mount("db", id: "m2")
        try cluster.mutate { try $0.write("second", on: "b", at: new) }
        cluster.mutate { $0.wake("a") }
        let refused = errorOf { try cluster.mutate { try $0.write("late", on: "a", at: old) } }
        #expect(refused?.code == .fenced)
        #expect(cluster.world.ceph.images.values.first?.records == ["first", "second"])
    }

    @Test func aRebootedNodeTakesItsOwnVolumeBackAtOnce() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        cluster.mutate { $0.reboot("a") }
        let after = DriverFixture.driver(cluster)
        _ = try await after.mount("db", id: "m1")
        #expect(cluster.world.devices(of: "a").count == 1)
        #expect(cluster.world.etcd.attachments[try name()]?.record.epoch == Epoch(2))
    }

    @Test func aDamagedFilesystemIsNotMountedAndNothingIsLeft() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        cluster.mutate { $0.damage(ImageReference(pool: "rbd", name: "db")) }
        let error = try #require(await errorOf { try await driver.mount("db", id: "m1") })
        #expect(error.code == .damaged)
        #expect(cluster.world.devices(of: "a").isEmpty)
        #expect(cluster.world.etcd.attachments.isEmpty)
    }

    @Test func afterARepairTheDeviceIsMappedAnew() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.fail(.filesystemCheck, .after, with: VolumeError(.unfinished, "check", why: "repaired"))
        _ = try await driver.mount("db", id: "m1")
        let calls = cluster.calls.map(\.operation)
        #expect(calls.filter { $0 == .deviceMap }.count == 2)
        #expect(calls.filter { $0 == .filesystemCheck }.count == 2)
        let device = try #require(cluster.world.devices(of: "a").first)
        #expect(cluster.world.devices(of: "a").count == 1)
        #expect(cluster.world.etcd.attachments[try name()]?.record.device == device)
    }

    @Test func anUnsupportedFeatureFailsBeforeAnythingExists() async throws {
        let driver = DriverFixture.driver(cluster)
        let options = ["pool": "rbd", "features": "layering,exclusive-lock,journaling"]
        let error = try #require(await errorOf { try await driver.create("db", options: options) })
        #expect(error.code == .unsupported)
        #expect(error.description.contains("journaling"))
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test(arguments: [
        ["pool": "nowhere"], ["pool": "rbd", "namespace": "none"], ["pool": "rbd", "data-pool": "none"],
    ])
    func aMissingPlaceFailsBeforeAnythingExists(_ options: [String: String]) async throws {
        let driver = DriverFixture.driver(cluster)
        let error = try #require(await errorOf { try await driver.create("db", options: options) })
        #expect(error.code == .notFound)
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test func withEtcdOutOfReachNothingIsSaidNotToExist() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        cluster.mutate { $0.cut("a", from: .etcd) }
        #expect(try await driver.get("db").volume.name.text == "db")
        let error = try #require(await errorOf { try await driver.get("unheard-of") })
        #expect(error.code != .notFound)
    }

    @Test func unfinishedVolumesAreNotShownAndCreateFinishesThem() async throws {
        let driver = DriverFixture.driver(cluster)
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.run(.formatBegin, .after) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "a") }
            throw PluginIsGone()
        }
        await #expect(throws: (any Error).self) { try await driver.create("db", options: DriverFixture.options) }
        let restarted = DriverFixture.driver(cluster)
        #expect(try await restarted.list().isEmpty)
        #expect(try #require(await errorOf { try await restarted.get("db") }).code == .notFound)
        #expect(try #require(await errorOf { try await restarted.mount("db", id: "m") }).code == .unfinished)
        try await restarted.create("db", options: DriverFixture.options)
        #expect(cluster.world.imageNames == ["db"])
        #expect(cluster.world.ceph.images.values.map(\.timesFormatted) == [1])
        _ = try await restarted.mount("db", id: "m")
    }
}

/// What Path answered, in order.
private final class Seen: Sendable {
    private let all = Mutex<[String]>([])

    var paths: [String] { all.withLock { $0 } }

    func note(_ path: String) { all.withLock { $0.append(path) } }
}

import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// The process behind a mapping has died, and before its node was asked for the volume again, another node took it over.
@Suite struct LostDeadMountTests {
    private let cluster = SimulatedCluster()
    private let mountpoint = "/mnt/volumes/db"

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    private struct Lost {
        let loser: VolumeDriver
        let winner: VolumeDriver
        /// What wrote through the mount that is dead.
        let client: ClientAddress
    }

    /// Node a has the volume, and its mapping dies; its plugin is killed and started again, late enough for node b to take
    /// the volume over meanwhile.
    private func lost() async throws -> Lost {
        let (client, winner) = try await dead()
        cluster.mutate { $0.killPlugin(on: "a") }
        cluster.mutate { $0.expireHeartbeat(of: "a") }
        _ = try await winner.mount("db", id: "m2")
        return Lost(loser: DriverFixture.driver(cluster), winner: winner, client: client)
    }

    private func dead() async throws -> (client: ClientAddress, other: VolumeDriver) {
        let (_, client) = try await DriverFixture.deadMount(cluster)
        return (client, DriverFixture.driver(cluster, on: "b"))
    }

    private func expectMountWorks(_ driver: VolumeDriver, id: String = "m3") async throws {
        #expect(try await driver.mount("db", id: id) == mountpoint)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(cluster.world.devices(of: "a").count == 1)
        try cluster.mutate { try $0.write("mine again", on: "a", at: mountpoint) }
    }

    @Test func theNextMountTakesItAway() async throws {
        let lost = try await lost()
        try await lost.winner.unmount("db", id: "m2")
        try await expectMountWorks(lost.loser)
        #expect(cluster.world.isFenced(lost.client))
    }

    @Test func theNextMountByWayOfATakeOverTakesItAway() async throws {
        let lost = try await lost()
        cluster.mutate { $0.powerOff("b") }
        cluster.mutate { $0.expireHeartbeat(of: "b") }
        try await expectMountWorks(lost.loser)
    }

    @Test func theReconcilerTakesItAwayWhileTheOtherNodeWrites() async throws {
        let lost = try await lost()
        let before = attachment
        await lost.loser.reconcileAll()
        #expect(cluster.world.mounts(of: "a").isEmpty)
        #expect(cluster.world.isFenced(lost.client), "it stays shut out, lest it was only cut off")
        #expect(attachment == before)
        try cluster.mutate { try $0.write("two", on: "b", at: mountpoint) }
    }

    @Test func anUnmountThatComesLateTakesItAway() async throws {
        let lost = try await lost()
        try await lost.loser.unmount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a").isEmpty)
        #expect(attachment?.owner.node == "b")
    }

    @Test func theReconcilerTakesAwayWhatIsLeftOfARemovedVolume() async throws {
        let lost = try await lost()
        try await lost.winner.unmount("db", id: "m2")
        try await lost.winner.remove("db")
        await lost.loser.reconcileAll()
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test func aNewVolumeOfThatNameCanBeMounted() async throws {
        let lost = try await lost()
        try await lost.winner.unmount("db", id: "m2")
        try await lost.winner.remove("db")
        try await lost.winner.create("db", options: DriverFixture.options)
        try await expectMountWorks(lost.loser)
    }

    @Test func aContainerThatOutlivedItIsNoHindrance() async throws {
        let lost = try await lost()
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        await lost.loser.reconcileAll()
        #expect(cluster.world.mounts(of: "a").isEmpty)
        try await lost.winner.unmount("db", id: "m2")
        try await expectMountWorks(lost.loser)
        #expect(throws: VolumeError.self) { try cluster.mutate { try $0.write("lost", by: container) } }
        cluster.mutate { $0.release(container) }
    }

    @Test func openFilesKeepItAndTheNextMountSaysSo() async throws {
        let lost = try await lost()
        let file = try cluster.mutate { try $0.openFile(on: "a", at: mountpoint) }
        await lost.loser.reconcileAll()
        try await lost.winner.unmount("db", id: "m2")
        let error = try #require(await errorOf { _ = try await lost.loser.mount("db", id: "m3") })
        #expect(error.code == .busy)
        #expect(error.description.contains("stop the containers"), "\(error)")
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(attachment == nil, "other nodes can have it")
        cluster.mutate { $0.release(file) }
        try await expectMountWorks(lost.loser)
    }

    /// A mount that was made by hand is not told from it then.
    @Test func whatTheMapperHasNoNotesOfIsLeftAlone() async throws {
        let lost = try await lost()
        cluster.mutate { $0.forgetDeadMappings(of: "a") }
        try await lost.winner.unmount("db", id: "m2")
        await lost.loser.reconcileAll()
        let error = try #require(await errorOf { _ = try await lost.loser.mount("db", id: "m3") })
        #expect(error.code == .unexplained)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(attachment == nil)
    }

    /// Somebody removed the record by hand, so nobody has shut out anybody.
    private func removeRecord(_ driver: VolumeDriver) async throws {
        let stored = try await driver.ports.store.read(VolumeName("db"))
        #expect(try await driver.ports.store.commit(.init(attachment: .delete), over: stored) != nil)
    }

    @Test func whoWasNotShutOutIsOnceCephHasForgottenHim() async throws {
        let (client, other) = try await dead()
        let driver = DriverFixture.driver(cluster)
        cluster.mutate { $0.doubtDeadClients(of: "a") }
        try await removeRecord(other)
        await driver.reconcileAll()
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m2") })
        #expect(error.code == .inUse)
        #expect(error.description.contains("is in use by \(client)"), "\(error)")
        #expect(!cluster.world.isFenced(client))
        cluster.mutate { $0.advance(by: .seconds(31)) }
        await driver.reconcileAll()
        #expect(cluster.world.mounts(of: "a").isEmpty)
        #expect(cluster.world.isFenced(client))
        try await expectMountWorks(driver)
    }

    /// The mapper takes a process for dead that it cannot see, and a container writes.
    @Test(arguments: [true, false]) func whatLivesIsNeverTakenAway(hasNotes: Bool) async throws {
        let first = DriverFixture.driver(cluster)
        try await first.create("db", options: DriverFixture.options)
        _ = try await first.mount("db", id: "m1")
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        var ports = first.ports
        ports.mapper = MistakenMapper(base: ports.mapper, kind: "krbd", hasNotes: hasNotes)
        let driver = VolumeDriver(
            ports: ports, settings: first.settings, me: first.me,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await removeRecord(driver)
        await driver.reconcileAll()
        #expect(await errorOf { _ = try await driver.mount("db", id: "m2") } != nil)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        try cluster.mutate { try $0.write("still mine", by: container) }
        cluster.mutate { $0.release(container) }
    }
}

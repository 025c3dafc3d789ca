import InMemoryPorts
import PortContracts
import RBDDriver
import Rig
import Testing
import VolumeCore

@Suite("Snapshots by schedule of mounted volumes, for which their filesystems are frozen") struct FrozenScheduleTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b"])
    private let faults = ScriptedFaults()
    private let driver: VolumeDriver
    private let mountpoint: String

    init() async throws {
        driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        mountpoint = try await driver.mount("db", id: "m1")
        cluster.intercept(with: faults)
        set([.snapshotFrequency: "1m", .snapshotKeep: "5"])
        await driver.takeDueSnapshots()
    }

    private func set(_ values: [RuntimeOption: String?]) { cluster.mutate { _ = $0.setValues(values, of: "db") } }

    private func pass(_ duration: Duration) {
        cluster.mutate { world in
            world.advance(by: duration)
            for node in ["a", "b"] { world.renewHeartbeat(of: node) }
        }
    }

    /// A minute later.
    private func takeNext(by doer: VolumeDriver? = nil) async {
        pass(.seconds(60))
        await (doer ?? driver).takeDueSnapshots()
    }

    private var canWrite: Bool {
        (try? cluster.mutate { try $0.write("written", on: "a", at: mountpoint) }) != nil
    }
    private var contents: [SnapshotMark.Consistency?] {
        cluster.world.ceph.images.values.first?.snapshots.map(\.mark?.consistency) ?? []
    }
    private var freezes: Int { cluster.calls.filter { $0.operation == .filesystemFreeze }.count }
    private var progress: ScheduleProgress? { cluster.world.etcd.volumes.values.first?.record.schedule }

    @Test("Nobody writes while one is taken, and everybody afterwards")
    func frozen() async throws {
        faults.run(.snapshotTake, .before) { [cluster, mountpoint] _ in
            #expect((try? cluster.mutate { try $0.write("too early", on: "a", at: mountpoint) }) == nil)
            // The record said so before.
            let name = try VolumeName("db")
            let stored = cluster.mutate { $0.etcd.read(name) }
            #expect(stored.volume?.record.schedule?.freezing == stored.attachment?.record.epoch)
        }
        await takeNext()
        #expect(canWrite && contents == [.frozen])
        #expect(progress?.freezing == nil && progress?.last != nil)
        await takeNext()
        #expect(canWrite && contents == [.frozen, .frozen])
    }

    @Test(
        "With a shorter interval than a minute, and where it is switched off, nobody is made to wait",
        arguments: [[RuntimeOption.snapshotFrequency: "59s"], [.snapshotFreeze: "off"]])
    func loose(_ values: [RuntimeOption: String]) async throws {
        set(values.mapValues { $0 })
        await driver.takeDueSnapshots()
        let before = contents.count
        await takeNext()
        #expect(contents.count == before + 1 && contents.last == .crash && freezes == 0)
        set([.snapshotFrequency: "1m", .snapshotFreeze: nil])
        await takeNext()
        #expect(contents.last == .frozen)
    }

    @Test(
        "A plugin that is killed while the filesystem is frozen thaws it when it has been started again",
        arguments: [PortOperation.filesystemFreeze, .snapshotTake, .snapshotMark], [false, true])
    func killed(_ operation: PortOperation, _ isEnded: Bool) async throws {
        faults.run(operation, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        await takeNext()
        #expect(!canWrite)
        // Whether or not there is to be another snapshot.
        if isEnded { set([.snapshots: "off"]) }
        let again = DriverFixture.driver(cluster)
        try await again.recover()
        #expect(canWrite)
        for _ in 1...3 { await again.takeDueSnapshots() }
        #expect(cluster.world.ceph.snapshotsTaken == (isEnded && operation == .filesystemFreeze ? 0 : 1))
        #expect(contents.allSatisfy { $0 != .frozen })
        guard !isEnded else { return }
        #expect(progress?.freezing == nil)
        await takeNext(by: again)
        #expect(canWrite && contents == [.crash, .frozen])
    }

    @Test("A volume whose filesystem was left frozen can be unmounted")
    func unmountedFrozen() async throws {
        faults.run(.filesystemFreeze, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        await takeNext()
        let again = DriverFixture.driver(cluster)
        try await again.unmount("db", id: "m1")
        #expect(cluster.world.nodes["a"]?.kernel.devices.isEmpty == true)
    }

    @Test("A node that was fenced while its filesystem was frozen lets go of the device")
    func fencedFrozen() async throws {
        faults.run(.filesystemFreeze, .after, on: "a") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        await takeNext()
        cluster.mutate { $0.advance(by: .seconds(120)) }
        cluster.mutate { $0.renewHeartbeat(of: "b") }
        let other = DriverFixture.driver(cluster, on: "b")
        _ = try await other.mount("db", id: "m2")
        let again = DriverFixture.driver(cluster)
        try await again.recover()
        await again.reconcileAll()
        #expect(cluster.world.nodes["a"]?.kernel.devices.isEmpty == true)
        // What the other one had frozen does not concern the new owner.
        await takeNext(by: other)
        #expect(contents.last == .frozen && progress?.freezing == nil)
    }

    @Test("What an administrator has frozen a start of the plugin does not thaw, nor a snapshot")
    func frozenByHand() async throws {
        let device = try #require(cluster.world.nodes["a"]?.kernel.devices.keys.first)
        try cluster.mutate { [mountpoint] in try $0.freezeByHand(device, at: mountpoint, on: "a") }
        await takeNext()
        #expect(contents == [.crash])
        cluster.mutate { $0.killPlugin(on: "a") }
        try await DriverFixture.driver(cluster).recover()
        #expect(cluster.world.isFrozen(device, on: "a"))
    }

    @Test("Where the filesystem cannot be frozen, that is tried again after ten minutes, and not at each slot")
    func cannotFreeze() async throws {
        faults.fail(.filesystemFreeze, with: VolumeError(.timedOut, "freeze", why: "it takes too long"))
        for _ in 1...10 { await takeNext() }
        #expect(Set(contents) == [.crash] && freezes == 1)
        await takeNext()
        #expect(contents.last == .frozen && freezes == 2 && canWrite)
    }

    @Test(
        "When Ceph does not answer, the filesystem is thawed, and frozen no more for this slot",
        arguments: [ScriptedFaults.When.before, .after])
    func noAnswer(_ when: ScriptedFaults.When) async throws {
        faults.fail(.snapshotTake, when)
        await takeNext()
        #expect(canWrite)
        pass(.seconds(11))
        await driver.takeDueSnapshots()
        #expect(contents == [.crash] && cluster.world.ceph.snapshotsTaken == 1 && freezes == 1)
        await takeNext()
        #expect(contents.last == .frozen)
    }

    @Test("One that is there already is not taken for one of the frozen filesystem")
    func isThere() async throws {
        // Another node's, which it took while it had the volume, and of which it could not say so.
        let other = cluster.startPlugin(on: "b")
        let me = try await #require(driver.ports.store.read(try VolumeName("db")).volume?.record)
        pass(.seconds(60))
        let schedule = SnapshotSchedule(every: .seconds(60))
        let id = try #require(me.imageID)
        guard
            case .take(let slot) = ScheduleRule.due(
                now: driver.ports.clock.wallTime(), me.schedule, schedule, uid: me.uid)
        else {
            Issue.record("no slot is due")
            return
        }
        faults.run(.filesystemFreeze, .before) { _ in
            let mark = SnapshotMark.scheduled(slot, consistency: .crash, by: "b")
            _ = try await other.snapshots.take(ScheduleRule.name(of: slot), of: me.image, id: id, mark: mark)
        }
        await driver.takeDueSnapshots()
        #expect(freezes == 1 && contents == [.crash] && canWrite)
        #expect(progress?.last == slot && progress?.freezing == nil)
    }

    @Test("While another operation is at work on the volume, the slot waits for it")
    func turn() async throws {
        let latch = Latch()
        pass(.seconds(60))
        faults.run(.mountUnmount, .before) { _ in await latch.pass() }
        async let unmount: Void = driver.unmount("db", id: "m1")
        try await eventually("the Unmount to be at work") {
            cluster.calls.contains { $0.operation == .mountUnmount }
        }
        await driver.takeDueSnapshots()
        #expect(freezes == 0 && driver.snapshotOutcomes.isEmpty)
        latch.open()
        try await unmount
    }

    @Test("A snapshot of somebody else's that has the slot's name leaves nothing frozen")
    func foreign() async throws {
        let record = try #require(cluster.world.etcd.volumes.values.first?.record)
        let next = ScheduleRule.next(
            after: driver.ports.clock.wallTime(), SnapshotSchedule(every: .seconds(60)), uid: record.uid)
        let name = try ScheduleRule.name(of: next).text
        try cluster.mutate { try $0.addSnapshot(name, of: record.image) }
        await takeNext()
        #expect(canWrite && contents == [nil] && driver.snapshotOutcomes == [.failed: 1])
        #expect(progress?.freezing == nil && progress?.slots.contains(next) == true)
    }
}

import InMemoryPorts
import PortContracts
import Rig
import Testing
import VolumeCore

@testable import RBDDriver

@Suite("Snapshots by schedule") struct ScheduledSnapshotTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b"], pools: ["rbd", "slow"])
    private let faults = ScriptedFaults()

    private static let minute: [RuntimeOption: String?] = [.snapshotFrequency: "1m", .snapshotKeep: "3"]

    private func volume(_ driver: VolumeDriver, _ name: String = "db", pool: String = "rbd") async throws {
        try await driver.create(name, options: ["pool": pool, "size": "206"])
        cluster.mutate { _ = $0.setValues(Self.minute, of: name) }
        // The look at the volumes that nobody has mounted.
        pass(.seconds(61))
        await driver.takeDueSnapshots()
    }

    private func pass(_ duration: Duration) {
        cluster.mutate { world in
            world.advance(by: duration)
            for node in ["a", "b"] { world.renewHeartbeat(of: node) }
        }
    }

    private func image(_ name: String = "db", pool: String = "rbd") -> SimulatedImage? {
        cluster.world.ceph.images[ImageReference(pool: pool, name: name)]
    }

    private func snapshots(_ name: String = "db", pool: String = "rbd") -> [SimulatedSnapshot] {
        image(name, pool: pool)?.snapshots ?? []
    }

    private func record(_ name: String = "db") throws -> VolumeRecord {
        try #require(cluster.world.etcd.volumes[try VolumeName(name)]?.record)
    }

    @Test("A mounted volume gets a snapshot in each interval, and as many stay as are to")
    func mounted() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        _ = try await driver.mount("db", id: "m1")
        for _ in 1...6 {
            pass(.seconds(60))
            for _ in 1...3 { await driver.takeDueSnapshots() }
        }
        #expect(snapshots().count == 3 && cluster.world.ceph.snapshotsTaken == 6)
        #expect(driver.snapshotOutcomes == [.taken: 6, .removed: 3])
        let last = try #require(snapshots().last)
        #expect(try record().schedule?.last == last.mark?.slot)
        #expect(last.name == (try ScheduleRule.name(of: #require(last.mark?.slot)).text))
        #expect(last.mark?.consistency == .frozen && last.mark?.by == "a")
    }

    @Test("A volume that nobody has mounted gets one snapshot after its last owner, which is whole, and then no more")
    func atRest() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        for _ in 1...5 {
            pass(.seconds(61))
            await driver.takeDueSnapshots()
        }
        #expect(snapshots().count == 1 && snapshots().first?.mark?.consistency == .unmounted)
        #expect(try await driver.get("db").nextSnapshot == nil)
        _ = try await driver.mount("db", id: "m1")
        try await driver.unmount("db", id: "m1")
        let calls = cluster.calls.count
        for _ in 1...5 {
            pass(.seconds(61))
            await driver.takeDueSnapshots()
        }
        #expect(snapshots().count == 2 && cluster.world.ceph.snapshotsTaken == 2)
        #expect(snapshots().last?.mark?.consistency == .unmounted)
        // And nobody asks Ceph or etcd about it any more.
        let later = cluster.calls.count
        pass(.seconds(3600))
        await driver.takeDueSnapshots()
        #expect(later > calls && cluster.calls.count == later)
    }

    @Test(
        "A read-only volume gets one snapshot of each mount, also of a filesystem that is frozen for it, and then no more",
        arguments: ["on", "off"])
    func readOnly(_ freeze: String) async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: ["pool": "rbd", "size": "206", "access": "read-only"])
        cluster.mutate { _ = $0.setValues(Self.minute.merging([.snapshotFreeze: freeze]) { $1 }, of: "db") }
        for mounts in 1...2 {
            _ = try await driver.mount("db", id: "m1")
            for _ in 1...4 {
                pass(.seconds(61))
                await driver.takeDueSnapshots()
            }
            #expect(cluster.world.ceph.snapshotsTaken == mounts)
            #expect(try await driver.get("db").nextSnapshot == nil)
            try await driver.unmount("db", id: "m1")
            pass(.seconds(61))
            await driver.takeDueSnapshots()
            #expect(cluster.world.ceph.snapshotsTaken == mounts)
        }
    }

    @Test(
        "A volume that is mounted, also for a moment, while its snapshot is taken makes no whole snapshot",
        arguments: [false, true])
    func mountedMeanwhile(_ isUnmountedAgain: Bool) async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        let other = DriverFixture.driver(cluster, on: "b")
        faults.run(.snapshotTake, .before) { _ in
            _ = try await other.mount("db", id: "m1")
            if isUnmountedAgain { try await other.unmount("db", id: "m1") }
        }
        cluster.intercept(with: faults)
        pass(.seconds(61))
        await driver.takeDueSnapshots()
        #expect(snapshots().map(\.mark?.consistency) == [.crash])
        #expect(try record().schedule?.atRestSince == nil)
        // Whoever has it next takes the next one, and not this one again.
        pass(.seconds(61))
        await other.takeDueSnapshots()
        #expect(cluster.world.ceph.snapshotsTaken == 2)
    }

    @Test("Two nodes that are at the same slot make one snapshot")
    func twoNodes() async throws {
        let (a, b) = (DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b"))
        try await volume(a)
        faults.run(.snapshotTake, .before, on: "a") { _ in await b.takeDueSnapshots() }
        cluster.intercept(with: faults)
        pass(.seconds(61))
        await a.takeDueSnapshots()
        #expect(snapshots().count == 1 && cluster.world.ceph.snapshotsTaken == 1)
        #expect(try record().schedule?.last == snapshots().first?.mark?.slot)
    }

    @Test(
        "A plugin that is killed over a snapshot takes that slot no second time, whenever that was",
        arguments: [PortOperation.snapshotList, .snapshotTake, .snapshotMark, .storeCommit, .snapshotRemove],
        [false, true])
    func killed(_ operation: PortOperation, _ isLate: Bool) async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        _ = try await driver.mount("db", id: "m1")
        for _ in 1...3 {
            pass(.seconds(60))
            await driver.takeDueSnapshots()
        }
        let taken = cluster.world.ceph.snapshotsTaken
        // The first thing that is written is that the filesystem may be frozen.
        faults.run(operation, .after, on: "a", skipping: operation == .storeCommit ? 1 : 0) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "a") }
        }
        cluster.intercept(with: faults)
        pass(.seconds(60))
        await driver.takeDueSnapshots()
        let next = DriverFixture.driver(cluster)
        try await next.recover()
        if isLate { pass(.seconds(60)) }
        for _ in 1...3 { await next.takeDueSnapshots() }
        let slots = snapshots().compactMap { $0.mark?.slot }
        #expect(Set(slots).count == slots.count && slots.count == snapshots().count)
        // What was to go when the record had been written goes after the next one.
        #expect(snapshots().count == (operation == .storeCommit && !isLate ? 4 : 3))
        // One that was taken before the end is the slot's; else the slot is made up for while it is the latest.
        let isTaken = operation != .snapshotList
        #expect(cluster.world.ceph.snapshotsTaken == taken + (isLate && isTaken ? 2 : 1))
    }

    @Test("A snapshot whose answer is lost is taken once", arguments: [PortOperation.snapshotTake, .snapshotMark])
    func lostAnswer(_ operation: PortOperation) async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        _ = try await driver.mount("db", id: "m1")
        faults.fail(operation, .after)
        cluster.intercept(with: faults)
        pass(.seconds(60))
        await driver.takeDueSnapshots()
        #expect(driver.snapshotOutcomes[.failed] == 1)
        pass(.seconds(11))
        await driver.takeDueSnapshots()
        #expect(snapshots().count == 1 && cluster.world.ceph.snapshotsTaken == 1)
        #expect(try record().schedule?.last == snapshots().first?.mark?.slot)
    }

    @Test("A slot whose snapshot somebody has removed is not taken again, also after the clock was put back")
    func removedAndBack() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        _ = try await driver.mount("db", id: "m1")
        pass(.seconds(60))
        await driver.takeDueSnapshots()
        let slot = try #require(snapshots().first?.mark?.slot)
        cluster.mutate { world in
            world.removeAllSnapshots()
            world.setWallClock(of: "a", ahead: .seconds(-600))
        }
        await driver.takeDueSnapshots()
        for _ in 1...12 {
            pass(.seconds(60))
            await driver.takeDueSnapshots()
        }
        #expect(driver.ports.clock.wallTime() > slot)
        #expect(!snapshots().contains { $0.mark?.slot == slot })
        #expect(try record().schedule?.slots.contains(slot) == true)
    }

    @Test(
        "Held snapshots, a person's and those that others have taken stay; a foreign one of the slot's name is left alone"
    )
    func others() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        _ = try await driver.mount("db", id: "m1")
        pass(.seconds(60))
        await driver.takeDueSnapshots()
        let image = ImageReference(pool: "rbd", name: "db")
        let desk = cluster.startPlugin(on: "b")
        let actions = SnapshotActions(desk)
        let held = try #require(snapshots().first)
        try await actions.hold(held.name, of: "db", true)
        _ = try await actions.create("mine", of: "db", frozen: false)
        let next = ScheduleRule.next(
            after: driver.ports.clock.wallTime(), SnapshotSchedule(every: .seconds(60)), uid: try record().uid)
        let name = try ScheduleRule.name(of: next).text
        try cluster.mutate { world in
            try world.addSnapshot("theirs", of: image)
            try world.addSnapshot(name, of: image)
        }
        for _ in 1...6 {
            pass(.seconds(60))
            await driver.takeDueSnapshots()
        }
        #expect(snapshots().filter { $0.mark == nil }.map(\.name) == ["theirs", name])
        #expect(snapshots().prefix(4).map(\.name) == [held.name, "mine", "theirs", name])
        #expect(snapshots().count == 7 && driver.snapshotOutcomes[.failed] == 1)
        #expect(try record().schedule?.slots.contains(next) == true)
    }

    @Test("A volume with as many snapshots as there may be gets no more, and is told why")
    func tooMany() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        _ = try await driver.mount("db", id: "m1")
        let image = ImageReference(pool: "rbd", name: "db")
        try cluster.mutate { world in
            for number in 0...SnapshotKeep.most { try world.addSnapshot("s\(number)", of: image) }
        }
        pass(.seconds(60))
        await driver.takeDueSnapshots()
        #expect(snapshots().count == SnapshotKeep.most + 1 && driver.snapshotOutcomes == [.failed: 1])
    }

    @Test("A pool that does not answer holds up no other pool")
    func hungPool() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver, "stuck", pool: "slow")
        try await volume(driver, "fine")
        for name in ["stuck", "fine"] { _ = try await driver.mount(name, id: "m-\(name)") }
        let before = (snapshots("fine").count, snapshots("stuck", pool: "slow").count)
        let latch = Latch()
        faults.run(.snapshotList, .before, times: .max) { call in
            if call.subject.hasPrefix("slow") { await latch.pass() }
        }
        cluster.intercept(with: faults)
        pass(.seconds(60))
        async let round: Void = driver.takeDueSnapshots()
        try await eventually("the other volume's snapshot") { snapshots("fine").count > before.0 }
        pass(.seconds(60))
        await driver.takeDueSnapshots()
        #expect(snapshots("fine").count == before.0 + 2)
        #expect(snapshots("stuck", pool: "slow").count == before.1)
        // Nor does an Unmount wait for it.
        try await driver.unmount("stuck", id: "m-stuck")
        latch.open()
        await round
    }

    @Test("A removal takes the scheduled snapshots along, but for one that is held")
    func removal() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        pass(.seconds(61))
        await driver.takeDueSnapshots()
        let image = ImageReference(pool: "rbd", name: "db")
        let taken = try #require(cluster.world.ceph.images[image]?.snapshots.first)
        cluster.mutate { $0.hold(taken.id, of: image, true) }
        let error = try #require(await errorOf { try await driver.remove("db") })
        #expect(error.code == .busy && error.outcome == .refused)
        #expect(error.why.contains("has snapshots: auto-2026") && error.remedy.contains("on-remove=trash"))
        cluster.mutate { $0.hold(taken.id, of: image, false) }
        try await driver.remove("db")
        await driver.emptyTrash()
        #expect(cluster.world.etcd.volumes.isEmpty && cluster.world.ceph.trash.isEmpty)
    }

    @Test("A snapshot that is taken while its volume is being removed does not stay in the trash for ever")
    func takenWhileRemoved() async throws {
        let (a, b) = (DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b"))
        try await volume(a)
        faults.run(.imageTrash, .before, on: "b") { _ in
            await a.takeDueSnapshots()
        }
        faults.run(.snapshotTake, .before, on: "a") { _ in try await b.remove("db") }
        cluster.intercept(with: faults)
        pass(.seconds(61))
        await a.takeDueSnapshots()
        #expect(cluster.world.etcd.volumes.isEmpty)
        for _ in 1...2 {
            pass(.seconds(301))
            await a.emptyTrash()
        }
        #expect(cluster.world.ceph.trash.isEmpty)
    }

    @Test("Without a schedule, and with snapshots=off, nothing is taken")
    func none() async throws {
        let driver = DriverFixture.driver(cluster)
        try await volume(driver)
        cluster.mutate { _ = $0.setValues([.snapshots: "off"], of: "db") }
        _ = try await driver.mount("db", id: "m1")
        pass(.seconds(3600))
        await driver.takeDueSnapshots()
        #expect(snapshots().isEmpty)
        #expect(try await driver.get("db").nextSnapshot == nil)
    }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// A volume that is to be brought back to one of its snapshots.
@Suite struct RollBackTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "desk"])
    private let faults = ScriptedFaults()
    private let driver: VolumeDriver
    private let other: VolumeDriver
    private let snapshots: SnapshotActions
    private let requests: RequestActions
    private let before: ImageContent

    init() async throws {
        driver = VolumeDriver(cluster.startPlugin(on: "a"))
        other = VolumeDriver(cluster.startPlugin(on: "b"))
        let ports = cluster.startPlugin(on: "desk")
        snapshots = SnapshotActions(ports)
        requests = RequestActions(ports)
        try await driver.create("db", options: ["pool": "rbd", "size": "1G"])
        _ = try await snapshots.create("before", of: "db")
        before = try #require(cluster.world.ceph.images.values.first?.content)
        try await write("after the snapshot")
        cluster.intercept(with: faults)
    }

    private var image: SimulatedImage? { cluster.world.ceph.images.values.first }
    private var stored: StoredVolume? { try? cluster.world.etcd.read(VolumeName("db")) }
    private var request: WorkRequest? { stored?.request?.record }

    private func write(_ text: String) async throws {
        let mountpoint = try await driver.mount("db", id: "writer")
        try cluster.mutate { try $0.write(text, on: "a", at: mountpoint) }
        try await driver.unmount("db", id: "writer")
    }

    /// What an operator's command does.
    private func ask(_ snapshot: String = "before") async throws {
        let found = try await snapshots.find(snapshot, of: "db")
        _ = try await requests.ask(.rollBack(snapshot: found.id, name: found.name), of: "db")
    }

    @Test("the image is what it was then, and the volume can be used again")
    func rollsBack() async throws {
        #expect(image?.content != before)
        try await ask()
        await driver.doRequests()
        #expect(image?.content == before)
        #expect(request?.state == .done && request?.node == driver.me)
        #expect(image?.writers.isEmpty == true)
        _ = try await other.mount("db", id: "m1")
    }

    @Test(
        "as long as it is not done the volume is neither mounted nor removed nor snapshot, and no other work is asked for"
    )
    func holds() async throws {
        try await ask()
        let (driver, requests, snapshots) = (driver, requests, snapshots)
        let isHeld: @Sendable () async -> Void = {
            await expectFailure(.unfinished, "mount") { _ = try await driver.mount("db", id: "m1") }
            await expectFailure(.unfinished, "remove") { try await driver.remove("db") }
            await expectFailure(.unfinished, "snapshot") { _ = try await snapshots.create("s", of: "db") }
            await expectFailure(.unfinished, "its snapshot goes") { try await snapshots.remove("before", of: "db") }
            await expectFailure(.unfinished, "trim") { _ = try await requests.ask(.trim, of: "db") }
        }
        await isHeld()
        faults.run(.snapshotRollBack, .before) { _ in await isHeld() }
        await driver.doRequests()
        #expect(image?.content == before)
        #expect(try await driver.get("db").request?.state == .done)
    }

    @Test("a volume that is mounted is not rolled back, nor one that is mounted in the moment in which it is asked for")
    func mounted() async throws {
        let driver = driver
        faults.run(.storeCommit, .before, on: "desk") { _ in _ = try await driver.mount("db", id: "m1") }
        await expectFailure(.inUse, "roll back") { try await ask() }
        #expect(request == nil)
        await driver.doRequests()
        #expect(image?.content != before)
    }

    @Test("an image that was smaller then grows again when it is mounted, with its filesystem")
    func smaller() async throws {
        cluster.mutate { _ = $0.wishSize(.gibibytes(3), of: "db") }
        _ = try await driver.mount("db", id: "m1")
        try await driver.reconcile(VolumeName("db"))
        try await driver.unmount("db", id: "m1")
        #expect(stored?.volume?.record.spec.size == .gibibytes(3))
        try await ask()
        await driver.doRequests()
        #expect(stored?.volume?.record.spec.size == .gibibytes(1))
        #expect(stored?.desired?.record.size == .gibibytes(3))
        _ = try await driver.mount("db", id: "m1")
        try await driver.reconcile(VolumeName("db"))
        #expect(image?.size == .gibibytes(3) && image?.filesystem?.size == .gibibytes(3))
        #expect(stored?.volume?.record.spec.size == .gibibytes(3) && stored?.desired == nil)
    }

    @Test(
        "a node that dies at it is followed by another, which shuts it out and begins again",
        arguments: [PortOperation.imageNoteWriter, .storeCommit, .snapshotRollBackBegin, .snapshotRollBack])
    func nodeDies(_ operation: PortOperation) async throws {
        try await ask()
        let cluster = cluster
        faults.run(operation, .after, on: "a") { _ in cluster.mutate { $0.powerOff("a") } }
        await driver.doRequests()
        cluster.mutate { $0.advance(by: .seconds(60)) }
        await other.doRequests()
        #expect(image?.content == before)
        #expect(request?.state == .done && request?.node == other.me)
        _ = try await other.mount("db", id: "m1")
    }

    @Test("a plugin that is killed at it goes on when it has been started again")
    func pluginKilled() async throws {
        try await ask()
        let cluster = cluster
        faults.run(.snapshotRollBackBegin, .after, on: "a") { _ in cluster.mutate { $0.killPlugin(on: "a") } }
        await driver.doRequests()
        #expect(image?.content == .unreadable)
        let again = VolumeDriver(cluster.startPlugin(on: "a"))
        await again.doRequests()
        await other.doRequests()
        #expect(image?.content == before && request?.state == .done)
    }

    @Test("while its node is alive no other one does it")
    func alive() async throws {
        try await ask()
        let other = other
        faults.run(.snapshotRollBack, .before, on: "a") { _ in await other.doRequests() }
        await driver.doRequests()
        #expect(cluster.calls.filter { $0.operation == .snapshotRollBackBegin }.map(\.node) == ["a"])
        #expect(request?.node == driver.me)
    }

    @Test("what a node still had under way that seemed dead does no harm to whoever has the volume by then")
    func wakesUp() async throws {
        try await ask()
        let (cluster, other, faults) = (cluster, other, faults)
        faults.delay(.snapshotRollBack, on: "a")
        faults.run(.snapshotRollBackBegin, .after, on: "a") { _ in cluster.mutate { $0.expireHeartbeat(of: "a") } }
        await driver.doRequests()
        await other.doRequests()
        let mountpoint = try await other.mount("db", id: "m1")
        try cluster.mutate { try $0.write("since the rollback", on: "b", at: mountpoint) }
        faults.deliverLate()
        #expect(image?.filesystem?.records.contains("since the rollback") == true)
    }

    @Test("a rollback whose snapshot is gone before it begins leaves all as it was")
    func goneBefore() async throws {
        try await ask()
        let content = image?.content
        cluster.mutate { $0.removeAllSnapshots() }
        await driver.doRequests()
        #expect(request?.state == .failed && image?.content == content)
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("one that has lost its snapshot half-way keeps the volume from being mounted until a person has decided")
    func goneHalfWay() async throws {
        _ = try await snapshots.create("another", of: "db")
        try await ask("another")
        let cluster = cluster
        let (driver, reference) = (driver, try #require(cluster.world.ceph.images.keys.first))
        faults.run(.snapshotRollBackBegin, .after, on: "a") { _ in
            try cluster.mutate { try $0.removeSnapshot("another", of: reference) }
        }
        await driver.doRequests()
        #expect(request?.isHalfDone == true)
        await expectFailure(.damaged, "mount") { _ = try await driver.mount("db", id: "m1") }
        await expectFailure(.damaged, "remove") { try await driver.remove("db") }
        await expectFailure(.damaged, "trim") { _ = try await requests.ask(.trim, of: "db") }
        #expect(image?.rollingBackTo != nil)
        try await ask("before")
        await driver.doRequests()
        #expect(image?.content == before && request?.state == .done)
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("a volume that is half rolled back is not mounted either when etcd has forgotten the request")
    func forgotten() async throws {
        try await ask()
        let cluster = cluster
        faults.run(.snapshotRollBackBegin, .after, on: "a") { _ in cluster.mutate { $0.powerOff("a") } }
        await driver.doRequests()
        cluster.mutate {
            $0.forgetRequest("db")
            $0.advance(by: .seconds(60))
        }
        await expectFailure(.damaged, "mount") { _ = try await other.mount("db", id: "m1") }
        try await ask()
        await other.doRequests()
        #expect(image?.content == before)
        _ = try await other.mount("db", id: "m1")
    }

    @Test("an image that somebody has open is not rolled back; the record says why, and it is tried again")
    func watched() async throws {
        try await ask()
        let reference = try #require(cluster.world.ceph.images.keys.first)
        let device = try cluster.mutate { try $0.mapByHand(reference, on: "desk") }
        await driver.doRequests()
        #expect(request?.state == .running && request?.result?.contains("in use") == true)
        #expect(image?.content != before)
        try cluster.mutate { try $0.unmapByHand(device, on: "desk") }
        await driver.doRequests()
        #expect(image?.content == before && request?.state == .done)
    }

    @Test("a request that no node has begun with can be taken back; one that changes the image cannot")
    func takenBack() async throws {
        try await ask()
        try await requests.remove("db")
        await driver.doRequests()
        #expect(image?.content != before && request == nil)
        try await ask()
        let requests = requests
        faults.run(.snapshotRollBack, .before, on: "a") { _ in
            await expectFailure(.conflict, "take back") { try await requests.remove("db") }
        }
        await driver.doRequests()
        #expect(image?.content == before)
    }

    @Test("a request is taken away when its hour is over, and when its volume is removed")
    func cleared() async throws {
        try await ask()
        await driver.doRequests()
        cluster.mutate { $0.advance(by: .seconds(3500)) }
        await driver.doRequests()
        #expect(request != nil)
        cluster.mutate { $0.advance(by: .seconds(200)) }
        await other.doRequests()
        #expect(request != nil)
        await driver.doRequests()
        #expect(request == nil)
        try await ask()
        await driver.doRequests()
        cluster.mutate { $0.removeAllSnapshots() }
        try await driver.remove("db")
        #expect(cluster.world.etcd.volumes.isEmpty && cluster.world.etcd.requests.isEmpty)
    }
}

/// A volume that is to be trimmed at once.
@Suite struct TrimRequestTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "desk"])
    private let driver: VolumeDriver
    private let requests: RequestActions

    init() async throws {
        driver = VolumeDriver(cluster.startPlugin(on: "a"))
        let ports = cluster.startPlugin(on: "desk")
        requests = RequestActions(ports)
        try await driver.create("db", options: ["pool": "rbd"])
    }

    private var request: WorkRequest? { try? cluster.world.etcd.read(VolumeName("db")).request?.record }

    @Test("the node that has the volume mounted trims it, and says what came of it")
    func trims() async throws {
        _ = try await driver.mount("db", id: "m1")
        let asked = try await requests.ask(.trim, of: "db")
        await VolumeDriver(cluster.startPlugin(on: "b")).doRequests()
        #expect(request?.state == .waiting)
        await driver.doRequests()
        let ended = try await requests.wait(for: asked, of: "db")
        #expect(ended?.state == .done && ended?.result?.contains("unused") == true)
        #expect(cluster.calls.contains { $0.operation == .filesystemTrim && $0.node == "a" })
    }

    @Test("without a mount there is nothing to trim; with the last one the request ends")
    func unmounted() async throws {
        await expectFailure(.conflict, "trim") { _ = try await requests.ask(.trim, of: "db") }
        _ = try await driver.mount("db", id: "m1")
        _ = try await requests.ask(.trim, of: "db")
        try await driver.unmount("db", id: "m1")
        await driver.doRequests()
        #expect(request?.state == .failed)
        _ = try await driver.mount("db", id: "m2")
    }

    @Test("what keeps one from being done is not noted in the midst of an Unmount, which leaves nothing")
    func obstacle() async throws {
        let (cluster, driver, faults, unmounted) = (cluster, driver, ScriptedFaults(), Latch())
        _ = try await driver.mount("db", id: "m1")
        _ = try await requests.ask(.trim, of: "db")
        cluster.intercept(with: faults)
        faults.run(.filesystemTrim, .before) { call in
            Task {
                defer { unmounted.open() }
                try await driver.unmount("db", id: "m1")
            }
            while cluster.world.etcd.attachments.values.first?.record.state != .detaching { await Task.yield() }
            throw ScriptedFaults.lost(call.operation)
        }
        // Long enough for whoever would write beside it.
        faults.run(.mountUnmount, .before) { _ in for _ in 0..<1000 { await Task.yield() } }
        await driver.doRequests()
        await unmounted.pass()
        #expect(cluster.world.etcd.attachments.isEmpty)
    }
}

private func expectFailure(
    _ code: VolumeError.Code, _ what: Comment, _ body: () async throws -> Void
) async {
    #expect(await errorOf(body)?.code == code, what)
}

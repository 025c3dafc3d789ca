import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Snapshots of volumes that are mounted, for which their filesystems are frozen.
@Suite struct FrozenSnapshotTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "desk"])
    private let faults = ScriptedFaults()
    private let driver: VolumeDriver
    private let snapshots: SnapshotActions
    private let requests: RequestActions
    private let mountpoint: String

    init() async throws {
        driver = VolumeDriver(cluster.startPlugin(on: "a"))
        let ports = cluster.startPlugin(on: "desk")
        snapshots = SnapshotActions(ports)
        requests = RequestActions(ports)
        try await driver.create("db", options: ["pool": "rbd"])
        mountpoint = try await driver.mount("db", id: "m1")
        cluster.intercept(with: faults)
    }

    private var image: SimulatedImage? { cluster.world.ceph.images.values.first }
    private var request: WorkRequest? { try? cluster.world.etcd.read(VolumeName("db")).request?.record }
    private var canWrite: Bool {
        (try? cluster.mutate { try $0.write("written", on: "a", at: mountpoint) }) != nil
    }

    /// Takes a snapshot by command, while the nodes do what they are asked for.
    private func take(_ name: String, by doer: VolumeDriver? = nil) async throws -> SnapshotMark.Consistency? {
        let doer = doer ?? driver
        faults.run(.sleep, .before, on: "desk", times: 1000) { _ in await doer.doRequests() }
        return try await snapshots.create(name, of: "db").mark?.consistency
    }

    @Test("nobody writes while it is taken, and everybody afterwards")
    func frozen() async throws {
        let (cluster, mountpoint) = (cluster, mountpoint)
        faults.run(.snapshotTake, .before) { _ in
            #expect((try? cluster.mutate { try $0.write("too early", on: "a", at: mountpoint) }) == nil)
        }
        #expect(try await take("s") == .frozen)
        #expect(canWrite)
        #expect(image?.snapshots.map(\.mark?.consistency) == [.frozen])
        #expect(image?.snapshots.first?.mark?.by == "operator@desk")
        #expect(request?.state == .done)
    }

    @Test("where the filesystem cannot be frozen, the snapshot is as after a power cut")
    func cannotFreeze() async throws {
        faults.fail(.filesystemFreeze, with: VolumeError(.unsupported, "freeze", why: "it cannot"))
        #expect(try await take("s") == .crash)
        #expect(canWrite)
    }

    @Test("one that takes longer than anybody may wait is as after a power cut")
    func tooLate() async throws {
        let cluster = cluster
        faults.run(.snapshotTake, .after) { _ in cluster.mutate { $0.advance(by: .seconds(6)) } }
        faults.run(.snapshotMark, .before) { _ in #expect(cluster.world.isFrozen("/dev/rbd0", on: "a") == false) }
        #expect(try await take("s") == .crash)
        #expect(image?.snapshots.map(\.mark?.consistency) == [.crash])
        #expect(canWrite)
    }

    @Test(
        "when Ceph does not answer, the filesystem is thawed, and frozen no more for this snapshot",
        arguments: [
            ScriptedFaults.When.before, .after,
        ])
    func noAnswer(_ when: ScriptedFaults.When) async throws {
        faults.fail(.snapshotTake, when)
        faults.run(.snapshotTake, .before, skipping: 1) { [cluster, mountpoint] _ in
            #expect((try? cluster.mutate { try $0.write("in between", on: "a", at: mountpoint) }) != nil)
        }
        #expect(try await take("s") == .crash)
        #expect(image?.snapshots.count == 1)
        #expect(cluster.calls.filter { $0.operation == .filesystemFreeze }.count == 1)
    }

    @Test(
        "a plugin that is killed while the filesystem is frozen thaws it when it has been started again",
        arguments: [PortOperation.filesystemFreeze, .snapshotTake, .snapshotMark])
    func killed(_ operation: PortOperation) async throws {
        _ = try await requests.ask(.snapshot(SnapshotName("s"), token: "t1"), of: "db")
        let cluster = cluster
        faults.run(operation, .after, on: "a") { _ in cluster.mutate { $0.killPlugin(on: "a") } }
        await driver.doRequests()
        #expect(!canWrite)
        let again = VolumeDriver(cluster.startPlugin(on: "a"))
        await again.doRequests()
        #expect(canWrite)
        #expect(request?.state == .done && image?.snapshots.count == 1)
    }

    @Test(
        "what was left frozen and lost its mountpoint is mounted again and thawed, for the container that has it still")
    func forced() async throws {
        _ = try await requests.ask(.snapshot(SnapshotName("s"), token: "t1"), of: "db")
        let (cluster, mountpoint) = (cluster, mountpoint)
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        faults.run(.filesystemFreeze, .after, on: "a") { _ in
            cluster.mutate { world in
                world.killPlugin(on: "a")
                world.unmountLazily(below: DriverFixture.mountRoot, on: "a")
            }
        }
        await driver.doRequests()
        #expect(cluster.world.isFrozen("/dev/rbd0", on: "a"))
        let again = VolumeDriver(cluster.startPlugin(on: "a"))
        try await again.recover()
        #expect(!cluster.world.isFrozen("/dev/rbd0", on: "a"))
        #expect(canWrite)
        cluster.mutate { $0.release(container) }
        try await again.unmount("db", id: "m1")
        #expect(cluster.world.nodes["a"]?.kernel.devices.isEmpty == true)
        #expect(cluster.world.harm.isEmpty)
    }

    @Test("what nobody uses any more is not mounted when the plugin starts")
    func unused() async throws {
        _ = try await requests.ask(.snapshot(SnapshotName("s"), token: "t1"), of: "db")
        let cluster = cluster
        faults.run(.filesystemFreeze, .before, on: "a") { _ in
            cluster.mutate { world in
                world.killPlugin(on: "a")
                world.unmountLazily(below: DriverFixture.mountRoot, on: "a")
            }
        }
        await driver.doRequests()
        try await VolumeDriver(cluster.startPlugin(on: "a")).recover()
        #expect(cluster.world.mounts(of: "a") == [])
    }

    @Test("a volume whose filesystem was left frozen can be unmounted")
    func unmountedFrozen() async throws {
        _ = try await requests.ask(.snapshot(SnapshotName("s"), token: "t1"), of: "db")
        let cluster = cluster
        faults.run(.filesystemFreeze, .after, on: "a") { _ in cluster.mutate { $0.killPlugin(on: "a") } }
        await driver.doRequests()
        let again = VolumeDriver(cluster.startPlugin(on: "a"))
        try await again.unmount("db", id: "m1")
        #expect(cluster.world.nodes["a"]?.kernel.devices.isEmpty == true)
        await again.doRequests()
        #expect(request?.state == .failed)
    }

    @Test("what an administrator has frozen the plugin does not thaw")
    func frozenByHand() async throws {
        let (cluster, mountpoint) = (cluster, mountpoint)
        let device = try #require(cluster.world.nodes["a"]?.kernel.devices.keys.first)
        try cluster.mutate { try $0.freezeByHand(device, at: mountpoint, on: "a") }
        #expect(try await take("s") == .crash)
        #expect(cluster.world.isFrozen(device, on: "a"))
    }

    @Test("when the node does not do it in time, the snapshot is taken from where it was asked for, and only once")
    func nobodyDoesIt() async throws {
        #expect(try await snapshots.create("s", of: "db").mark?.consistency == .crash)
        #expect(request == nil)
        await driver.doRequests()
        #expect(image?.snapshots.count == 1)
    }

    @Test("a volume that is unmounted before it is frozen is snapshot as it is")
    func unmounted() async throws {
        let driver = driver
        faults.run(.sleep, .before, on: "desk", times: 1) { _ in
            try await driver.unmount("db", id: "m1")
            await driver.doRequests()
        }
        #expect(try await snapshots.create("s", of: "db").mark?.consistency == .unmounted)
    }

    @Test("a name that is taken is refused, and nothing is frozen for it")
    func nameTaken() async throws {
        #expect(try await take("s") == .frozen)
        await #expect(throws: VolumeError.self) { try await take("s") }
        #expect(image?.snapshots.count == 1)
        #expect(cluster.calls.filter { $0.operation == .filesystemFreeze }.count == 1)
    }
}

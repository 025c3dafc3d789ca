import InMemoryPorts
import PortContracts
import RBDDriver
import Synchronization
import Testing
import VolumeCore

/// Volumes that any number of nodes read at once, and that nobody writes to.
@Suite("Readers of a shared volume") struct ReadersTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "c", "desk"])
    private let faults = ScriptedFaults()
    private let a: VolumeDriver
    private let b: VolumeDriver
    private let image = ImageReference(pool: "rbd", name: "audit")
    private let options = ["from": "db", "access": "read-only"]
    private let mountpoint = DriverFixture.mountRoot + "/audit"

    init() async throws {
        name = try VolumeName("audit")
        a = VolumeDriver(cluster.startPlugin(on: "a"))
        b = VolumeDriver(cluster.startPlugin(on: "b"))
        try await a.create("db", options: ["pool": "rbd", "size": "1G"])
        let mountpoint = try await a.mount("db", id: "writer")
        try cluster.mutate { try $0.write("first", on: "a", at: mountpoint) }
        try await a.create("audit", options: options)
        cluster.intercept(with: faults)
    }

    private let name: VolumeName
    private var readers: [String] { cluster.world.etcd.readers[name]?.record.mounts.keys.sorted() ?? [] }

    private func devices(of node: String) -> [SimulatedDevice] {
        (cluster.world.nodes[node]?.kernel.devices ?? [:]).values.filter { $0.image == image }
    }

    @Test("two nodes have it mounted at once, read it, and neither can write; the volume that it is made of goes on")
    func twoNodes() async throws {
        for (driver, node) in [(a, "a"), (b, "b")] {
            #expect(try await driver.mount("audit", id: "m") == mountpoint)
            #expect(try cluster.world.filesystem(on: node, at: mountpoint).records == ["first"])
            #expect(devices(of: node).map(\.isReadOnly) == [true])
            #expect(throws: VolumeError.self) { try cluster.mutate { try $0.write("no", on: node, at: mountpoint) } }
        }
        #expect(readers == ["a", "b"])
        try cluster.mutate { try $0.write("second", on: "a", at: DriverFixture.mountRoot + "/db") }
        #expect(try cluster.world.filesystem(on: "b", at: mountpoint).records == ["first"])
        // Nobody is named as a writer, holds the lock or was shut out.
        let shared = try #require(cluster.world.ceph.images[image])
        #expect(shared.writers.isEmpty && shared.lockOwner == nil && cluster.world.ceph.blocklist.isEmpty)
        #expect(cluster.world.etcd.attachments[name] == nil)

        try await a.unmount("audit", id: "m")
        #expect(readers == ["b"] && devices(of: "a").isEmpty)
        #expect(try cluster.world.filesystem(on: "b", at: mountpoint).records == ["first"])
        try await b.unmount("audit", id: "m")
        #expect(readers == [] && devices(of: "b").isEmpty)
    }

    @Test("many nodes that mount at the same moment all get it, each counted for itself")
    func crowd() async throws {
        let c = VolumeDriver(cluster.startPlugin(on: "c"))
        try await withThrowingTaskGroup(of: String.self) { group in
            for driver in [a, b, c] {
                group.addTask {
                    let first = try await driver.mount("audit", id: "m")
                    #expect(try await driver.mount("audit", id: "n") == first)
                    return first
                }
            }
            for try await found in group { #expect(found == mountpoint) }
        }
        let mounts = try #require(cluster.world.etcd.readers[name]?.record.all)
        #expect(mounts.map(\.mountIDs) == Array(repeating: ["m": 1, "n": 1], count: 3))
        try await a.unmount("audit", id: "m")
        #expect(devices(of: "a").count == 1)
    }

    @Test(
        "what a node has recorded is not taken for another's doing when the answer is lost and others have recorded themselves since",
        arguments: 0...5)
    func lostAnswer(_ commit: Int) async throws {
        let ports = cluster.startPlugin(on: "a")
        let store = ForgetfulStore(base: ports.store, forgetting: commit) { [b] in
            _ = try await b.mount("audit", id: "meanwhile")
        }
        let driver = VolumeDriver(ports, store: store)
        #expect(try await driver.mount("audit", id: "m") == mountpoint)
        #expect(readers.contains("a") && devices(of: "a").count == 1)
        #expect(cluster.world.etcd.readers[name]?.record["a"]?.mountIDs == ["m": 1])
        try await driver.unmount("audit", id: "m")
        #expect(readers == (store.hasForgotten ? ["b"] : []) && devices(of: "a").isEmpty)
        #expect(store.hasForgotten == (commit < 5), "a Mount commits three times, an Unmount twice")
    }

    @Test("a Mount whose answer is lost is made good by the same call, while another node mounts as well")
    func failedCommit() async throws {
        for occurrence in 0...2 {
            faults.fail(.storeCommit, .after, on: "a", skipping: occurrence)
            async let there = b.mount("audit", id: "m")
            #expect(await errorOf { _ = try await a.mount("audit", id: "m") } != nil)
            #expect(try await a.mount("audit", id: "m") == mountpoint)
            _ = try await there
            #expect(readers == ["a", "b"] && devices(of: "a").count == 1)
            // The Mount that failed may be counted as well.
            for _ in 1...2 { try await a.unmount("audit", id: "m") }
            try await b.unmount("audit", id: "m")
            #expect(readers == [] && devices(of: "a").isEmpty && devices(of: "b").isEmpty)
        }
    }

    @Test("a Remove is refused by name while living nodes read it, and takes it when they are done")
    func removal() async throws {
        for driver in [a, b] { _ = try await driver.mount("audit", id: "m") }
        let c = VolumeDriver(cluster.startPlugin(on: "c"))
        let error = await errorOf { try await c.remove("audit") }
        #expect(error?.code == .inUse && error?.why.contains("nodes a, b have had it mounted") == true)
        try await a.unmount("audit", id: "m")
        #expect(await errorOf { try await c.remove("audit") }?.why.contains("node b has") == true)
        try await b.unmount("audit", id: "m")
        try await c.remove("audit")
        #expect(cluster.world.ceph.images[image] == nil && cluster.world.etcd.volumes[name] == nil)
    }

    @Test("a dead reader keeps nobody from mounting, nor the volume from being removed")
    func deadReader() async throws {
        _ = try await b.mount("audit", id: "m")
        cluster.mutate { $0.powerOff("b") }
        cluster.mutate { $0.advance(by: .seconds(120)) }
        _ = try await a.mount("audit", id: "m")
        #expect(cluster.world.ceph.blocklist.isEmpty)
        try await a.unmount("audit", id: "m")
        #expect(readers == ["b"])
        try await a.remove("audit")
        #expect(cluster.world.etcd.readers.isEmpty && cluster.world.ceph.images[image] == nil)
    }

    @Test("a node that comes back clears what its earlier boot has recorded, and mounts anew")
    func reboot() async throws {
        _ = try await b.mount("audit", id: "m")
        cluster.mutate { $0.reboot("b") }
        let again = VolumeDriver(cluster.startPlugin(on: "b"))
        try await again.recover()
        #expect(readers == [] && cluster.world.ceph.blocklist.isEmpty)
        // Also without that.
        _ = try await again.mount("audit", id: "m")
        cluster.mutate { $0.reboot("b") }
        let third = VolumeDriver(cluster.startPlugin(on: "b"))
        _ = try await third.mount("audit", id: "n")
        #expect(cluster.world.etcd.readers[name]?.record["b"]?.mountIDs == ["n": 1])
    }

    @Test("a plugin that starts again finds its mount, and lets go of what was half done")
    func restart() async throws {
        _ = try await a.mount("audit", id: "m")
        cluster.mutate { $0.killPlugin(on: "a") }
        let again = VolumeDriver(cluster.startPlugin(on: "a"))
        try await again.recover()
        #expect(try await again.mount("audit", id: "n") == mountpoint && devices(of: "a").count == 1)
        try await again.unmount("audit", id: "m")
        try await again.unmount("audit", id: "n")
        #expect(devices(of: "a").isEmpty)
    }

    @Test(
        "a Mount that fails leaves neither device nor record, whatever fails",
        arguments: [
            PortOperation.deviceMap, .mountMount, .storeCommit, .imageInspect,
        ])
    func failure(operation: PortOperation) async throws {
        faults.fail(operation)
        #expect(await errorOf { _ = try await b.mount("audit", id: "m") } != nil)
        #expect(readers == [] && devices(of: "b").isEmpty && cluster.world.mounts(of: "b").isEmpty)
        #expect(try await b.mount("audit", id: "m") == mountpoint)
    }

    @Test("a mapping that dies on one node is mapped anew there, and the others go on")
    func deadMapping() async throws {
        for driver in [a, b] { _ = try await driver.mount("audit", id: "m") }
        let dead = try #require(devices(of: "a").first)
        cluster.mutate { $0.killMapping(dead.path, on: "a") }
        #expect(try await a.mount("audit", id: "n") == mountpoint)
        #expect(devices(of: "a").count == 1 && devices(of: "b").count == 1)
        #expect(cluster.world.ceph.blocklist.isEmpty)
    }

    @Test("who writes to its image by hand is not read beside")
    func writer() async throws {
        _ = try cluster.mutate { try $0.mountByHand(image, on: "c", at: "/mnt/by-hand", .ext4) }
        let error = await errorOf { _ = try await a.mount("audit", id: "m") }
        #expect(error?.code == .inUse && error?.why.contains("10.0.0.3:0/") == true)
        #expect(devices(of: "a").isEmpty)
    }

    @Test("who has the lock of its image for a moment, as whoever takes a snapshot has, keeps nobody from mounting it")
    func momentaryLock() async throws {
        @Sendable func setLock(_ owner: ClientAddress?) {
            cluster.mutate { [image] world in
                guard var changed = world.ceph.images[image] else { return }
                changed.lockOwner = owner
                world.plant(changed, as: image)
            }
        }
        let other = try cluster.mutate { try $0.mapByHand(image, on: "c").client }
        setLock(other)
        faults.run(.sleep, .before, on: "a") { _ in setLock(nil) }
        #expect(try await a.mount("audit", id: "m") == mountpoint)
        #expect(cluster.world.ceph.blocklist.isEmpty)
    }

    @Test("a device of its image that can be written to is not mounted")
    func writableDevice() async throws {
        _ = try cluster.mutate { try $0.mapByHand(image, on: "a") }
        let error = await errorOf { _ = try await a.mount("audit", id: "m") }
        #expect(error?.code == .unexplained && error?.why.contains("can be written to") == true)
        #expect(cluster.world.mounts(of: "a") == [DriverFixture.mountRoot + "/db"])
    }

    @Test("nothing makes it writable, larger, or other than it was")
    func unchanged() async throws {
        let stored = cluster.world.etcd.read(name)
        #expect(stored.volume?.record.spec.features.contains(.exclusiveLock) == true)
        for work in [RequestedWork.rollBack(snapshot: 1, name: "s"), .trim] {
            #expect(throws: VolumeError.self) {
                try RequestRule.ask(work, of: stored, token: "t", by: "me", at: WallTime(seconds: 0))
            }
        }
        for other in [["from": "db"], ["from": "db", "access": "read-write"], ["access": "read-only"]] {
            let error = await errorOf { try await b.create("audit", options: other) }
            #expect((error == nil) == (other["access"] != "read-write"), "\(other)")
        }
        for wrong in [["size": "2G"], ["features": "layering"]] {
            let error = await errorOf { try await b.create("other", options: options.merging(wrong) { $1 }) }
            #expect(error?.code == .invalidOption, "\(wrong)")
        }
    }

    @Test("a snapshot of it can be taken while nodes read it, and a schedule takes none")
    func snapshots() async throws {
        _ = try await b.mount("audit", id: "m")
        _ = try await SnapshotActions(cluster.startPlugin(on: "desk")).create("monday", of: "audit")
        let taken = try #require(cluster.world.ceph.images[image]?.snapshots.first)
        #expect(taken.name == "monday" && taken.mark?.consistency == .unmounted)
        #expect(cluster.mutate { $0.setValues([.snapshotFrequency: "5s", .snapshotKeep: "2"], of: "audit") })
        for _ in 1...3 {
            cluster.mutate { $0.advance(by: .seconds(60)) }
            await b.takeDueSnapshots()
            await a.takeDueSnapshots()
        }
        #expect(cluster.world.ceph.images[image]?.snapshots.count == 1)
    }

    @Test("each reader's device is limited, and a removed volume comes back out of the trash as what it was")
    func valuesAndTrash() async throws {
        #expect(cluster.mutate { $0.setValues([.readIOPS: "100", .onRemove: "trash"], of: "audit") })
        for driver in [a, b] { _ = try await driver.mount("audit", id: "m") }
        for node in ["a", "b"] { #expect(devices(of: node).map(\.limits.readIOPS) == [100]) }
        for driver in [a, b] { try await driver.unmount("audit", id: "m") }
        try await a.remove("audit")
        let kept = try #require(cluster.world.ceph.trash.values.first { $0.image.kept != nil }?.image)
        #expect(kept.kept?.volume.isShared == true)
    }
}

/// A store that makes one change of the records, and cannot tell any more that it has: its answer was lost, and when it looks again
/// another reader has written over the record.
private final class ForgetfulStore: VolumeStore {
    private let base: any VolumeStore
    /// How many commits are still to come until then.
    private let left: Mutex<Int>
    private let forgot = Mutex(false)
    private let meanwhile: @Sendable () async throws -> Void

    init(base: any VolumeStore, forgetting commit: Int, meanwhile: @escaping @Sendable () async throws -> Void) {
        self.base = base
        left = Mutex(commit)
        self.meanwhile = meanwhile
    }

    var hasForgotten: Bool { forgot.withLock { $0 } }

    func commit(_ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard?) async throws -> StoredVolume?
    {
        let written = try await base.commit(change, over: read, within: quota)
        let forgets = left.withLock { left in
            guard written != nil else { return false }
            defer { left -= 1 }
            return left == 0
        }
        guard forgets else { return written }
        forgot.withLock { $0 = true }
        try await meanwhile()
        return nil
    }

    func read(_ name: VolumeName) async throws -> StoredVolume { try await base.read(name) }

    func readAtOnce() async throws -> AllVolumes { try await base.readAtOnce() }

    func readAttachments() async throws -> [VolumeName: [Attachment]] { try await base.readAttachments() }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// What becomes of an adopted image when its volume is removed.
@Suite struct AdoptedRemovalTests {
    private let faults = ScriptedFaults()
    private let cluster: SimulatedCluster
    private let image = ImageReference(pool: "rbd", name: "db")

    init() { cluster = SimulatedCluster(hook: faults) }

    /// An image with a filesystem that no volume owns.
    /// - Returns: its id.
    private func plant() async throws -> String {
        try await cluster.startPlugin(on: "b").formatter.createFormatted(
            image, spec: VolumeSpec(pool: "rbd", size: .mebibytes(512)), uid: "of another life")
    }

    private func adopting(_ how: String) -> [String: String] { ["pool": "rbd", "adopt": how] }

    private func change(_ body: (inout VolumeRecord) -> Void) async throws {
        let store = cluster.startPlugin(on: "b").store
        let stored = try await store.read(try VolumeName("db"))
        var record = try #require(stored.volume?.record)
        body(&record)
        #expect(try await store.commit(.init(volume: .put(record)), over: stored) != nil)
    }

    private func expectKept(_ id: String) {
        #expect(cluster.world.etcd.volumes.isEmpty)
        #expect(cluster.world.ceph.images[image]?.id == id)
        #expect(cluster.world.ceph.trash.isEmpty)
    }

    @Test("E8: an adopted image stays when its volume is removed, with its snapshots, and can be adopted again")
    func e8Kept() async throws {
        let id = try await plant()
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: adopting("true"))
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        try await driver.unmount("db", id: "m1")
        try cluster.mutate { try $0.addSnapshot("nightly", of: image) }
        try await driver.remove("db")
        expectKept(id)
        await driver.emptyTrash()
        expectKept(id)

        try await driver.create("db", options: adopting("true"))
        _ = try await driver.mount("db", id: "m2")
        #expect(cluster.world.ceph.images[image]?.records == ["one"])
        #expect(await errorOf { try await driver.remove("db") }?.code == .inUse)
        #expect(cluster.world.etcd.volumes.count == 1)
    }

    @Test("E8: an image that was adopted as the volume's own goes with it")
    func e8Own() async throws {
        let id = try await plant()
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: adopting("own"))
        try await driver.remove("db")
        #expect(cluster.world.leftovers == [])
        #expect(Array(cluster.world.ceph.trash.keys) == [id])
        await driver.emptyTrash()
        #expect(cluster.world.ceph.trash.isEmpty)
    }

    @Test(
        "E8: a volume that an earlier version adopted keeps its image, also where that version had begun to remove it")
    func e8EarlierVersion() async throws {
        let id = try await plant()
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: adopting("true"))
        try await change { $0.phase = .removing }
        try await driver.remove("db")
        expectKept(id)
    }

    @Test("E8: what an earlier version has taken away is removed to the end")
    func e8TakenAway() async throws {
        let id = try await plant()
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: adopting("true"))
        try await change { $0.phase = .removing }
        let record = try #require(cluster.world.etcd.volumes.values.first?.record)
        try await cluster.startPlugin(on: "b").images.moveToTrash(image, id: id, as: record.removedImage.name)
        try await driver.remove("db")
        #expect(cluster.world.leftovers == [])
    }

    @Test("E8: an adoption that was cut off after any step is forgotten by a removal, and the image stays")
    func e8CutOff() async throws {
        for operation in [PortOperation.storeCommit, .imageMark] {
            let id = try await plant()
            let driver = DriverFixture.driver(cluster)
            faults.run(operation, .after, on: "a", skipping: 0) { [cluster] _ in
                cluster.mutate { $0.killPlugin(on: "a") }
            }
            _ = try? await driver.create("db", options: adopting("true"))
            faults.stop()
            cluster.mutate { $0.advance(by: .seconds(40)) }
            #expect(cluster.world.etcd.volumes.count == 1)
            try await DriverFixture.driver(cluster).remove("db")
            expectKept(id)
            try await cluster.startPlugin(on: "b").images.remove(image, id: nil)
        }
    }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Records that an earlier version of this program has let an option into that is refused by now.
@Suite struct DangerousOptionTests {
    private let cluster = SimulatedCluster()

    /// Writes the record as an earlier version would have.
    private func change(_ body: (inout VolumeRecord) -> Void) async throws {
        let store = cluster.startPlugin(on: "b").store
        let stored = try await store.read(try VolumeName("db"))
        var record = try #require(stored.volume?.record)
        body(&record)
        #expect(try await store.commit(.init(volume: .put(record)), over: stored) != nil)
    }

    @Test("C2: a volume that was created with errors=panic is refused at Mount, and nothing is claimed or mapped")
    func c2AnOlderVolumeThatPanicsIsNotMounted() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try await change { $0.spec.mountOptions = ["noatime", "errors=panic"] }
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .invalidOption)
        #expect(error.outcome == .refused)
        #expect(error.why.contains("'errors=panic'"))
        #expect(cluster.world.etcd.attachments.isEmpty)
        #expect(cluster.world.devices(of: "a").isEmpty)
        #expect(try await driver.get("db").mountpoint == "")
        try await driver.remove("db")
    }

    @Test(
        "E9: a volume that was created with a map option of the operator's is refused at Mount, and nothing is claimed")
    func e9AnOlderVolumeThatSaysHowToConnect() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try await change { $0.spec.mapOptions = ["queue_depth=64", "ms_mode=legacy"] }
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .invalidOption)
        #expect(error.outcome == .refused)
        #expect(error.why.contains("'ms_mode=legacy'"))
        #expect(cluster.world.etcd.attachments.isEmpty)
        #expect(cluster.world.devices(of: "a").isEmpty)
        try await change { $0.spec.mapOptions = ["queue_depth=64"] }
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("E1: a volume that is mounted with an option that is refused by now is unmounted and removed")
    func e1AnOlderVolumeIsLetGoOf() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        try await change { $0.spec.mountOptions = ["errors=panic"] }
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.devices(of: "a").isEmpty)
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m2") })
        #expect(error.remedy.contains("volume forget db") && error.remedy.contains("adopt=own"), "\(error)")
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test("C1: an unfinished create with words that mkfs gets no more is undone")
    func c1AnUnfinishedCreateIsUndone() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        try await change {
            $0.spec.mkfsOptions = ["-d", "run"]
            $0.phase = .creating
        }
        for image in cluster.world.ceph.images.keys {
            try await cluster.startPlugin(on: "b").images.remove(image, id: nil)
        }
        let error = try #require(await errorOf { try await driver.create("db", options: DriverFixture.options) })
        #expect(error.code == .invalidOption)
        #expect(error.why.contains("'-d'"))
        #expect(cluster.world.leftovers.isEmpty)
    }
}

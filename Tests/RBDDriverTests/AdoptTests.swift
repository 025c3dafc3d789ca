import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Images that are taken as volumes with what is on them.
@Suite struct AdoptTests {
    private let cluster = SimulatedCluster()
    private let image = ImageReference(pool: "rbd", name: "db")
    private let adopting = ["pool": "rbd", "adopt": "true"]

    /// An image with a filesystem, and nothing else.
    private func plant(_ type: FilesystemType) async throws {
        let ports = cluster.startPlugin(on: "b")
        _ = try await ports.formatter.createFormatted(
            image, spec: VolumeSpec(pool: "rbd", size: .mebibytes(512), filesystem: type), uid: "of another life")
    }

    @Test("D4: adopt with a name that no image has is refused, and makes nothing")
    func d4NoImageIsNoVolume() async throws {
        let driver = DriverFixture.driver(cluster)
        let error = try #require(await errorOf { try await driver.create("db", options: adopting) })
        #expect(error.code == .notFound)
        #expect(error.outcome == .refused)
        #expect(error.description.contains("rbd/db"))
        #expect(error.remedy.contains("leave 'adopt' out"))
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test("D4: adopt does not carry on with an unfinished create of a new volume")
    func d4AnUnfinishedCreateIsNotCarriedOn() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let ports = cluster.startPlugin(on: "a")
        let stored = try await ports.store.read(try VolumeName("db"))
        var record = try #require(stored.volume?.record)
        record.phase = .creating
        #expect(try await ports.store.commit(.init(volume: .put(record)), over: stored) != nil)
        try await ports.images.remove(image, id: nil)
        let again = VolumeDriver(ports)
        let error = try #require(await errorOf { try await again.create("db", options: adopting) })
        #expect(error.code == .notFound)
        #expect(cluster.world.imageNames == [])
        // Without it the same attempt is carried on with.
        try await again.create("db", options: ["pool": "rbd"])
        #expect(cluster.world.imageNames == ["db"])
    }

    @Test("D11: an image without a filesystem is not adopted, and stays as it is")
    func d11NoFilesystemIsNotAdopted() async throws {
        let driver = DriverFixture.driver(cluster)
        cluster.mutate { $0.addImage(image) }
        let before = cluster.world.ceph.images[image]
        let error = try #require(await errorOf { try await driver.create("db", options: adopting) })
        #expect(error.code == .damaged)
        #expect(error.outcome == .refused)
        #expect(cluster.world.ceph.images[image] == before)
        #expect(cluster.world.etcd.volumes.isEmpty)
    }

    @Test(
        "D11: an image with another filesystem than is said is not adopted; without a word the one that is there counts"
    )
    func d11TheFilesystemThatIsThereCounts() async throws {
        let driver = DriverFixture.driver(cluster)
        try await plant(.xfs)
        let wrong = adopting.merging(["fstype": "ext4"]) { $1 }
        let error = try #require(await errorOf { try await driver.create("db", options: wrong) })
        #expect(error.code == .invalidOption)
        #expect(error.why.contains("xfs") && error.why.contains("ext4"))
        #expect(cluster.world.etcd.volumes.isEmpty)
        try await driver.create("db", options: adopting)
        #expect(cluster.world.etcd.volumes.values.first?.record.spec.filesystem == .xfs)
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("D11: mount options that the found filesystem does not have are refused before the image is taken")
    func d11MountOptionsOfTheFoundFilesystem() async throws {
        let driver = DriverFixture.driver(cluster)
        try await plant(.xfs)
        let wrong = adopting.merging(["mount-options": "data=ordered"]) { $1 }
        let error = try #require(await errorOf { try await driver.create("db", options: wrong) })
        #expect(error.code == .invalidOption)
        #expect(error.why.contains("'data=ordered'"))
        #expect(cluster.world.ceph.images[image]?.uid == "of another life")
        try await driver.create("db", options: adopting.merging(["mount-options": "nouuid"]) { $1 })
    }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Volumes of one node that no container can write to.
@Suite("Read-only volumes") struct ReadOnlyVolumeTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b"])
    private let image = ImageReference(pool: "rbd", name: "db")

    private var filesystem: SimulatedFilesystem? { cluster.world.ceph.images[image]?.filesystem }

    /// An image that belongs to no volume, whose filesystem a dead node has left with a log that has to be replayed.
    private func leaveUnclean(_ type: FilesystemType) async throws {
        let ports = cluster.startPlugin(on: "b")
        _ = try await ports.formatter.createFormatted(
            image, spec: VolumeSpec(pool: "rbd", size: .mebibytes(512), filesystem: type), uid: "of another life")
        var left = try #require(cluster.world.ceph.images[image])
        var filesystem = try #require(filesystem)
        filesystem.needsRecovery = true
        filesystem.records = ["kept"]
        left.content = .filesystem(filesystem)
        let unclean = left
        cluster.mutate { $0.plant(unclean, as: image) }
    }

    @Test(
        "the owner replays what a dead one has left in the log, whoever mounts reads it, and nobody writes",
        arguments: [FilesystemType.ext4, .xfs])
    func unclean(type: FilesystemType) async throws {
        try await leaveUnclean(type)
        let driver = VolumeDriver(cluster.startPlugin(on: "a"))
        try await driver.create(
            "db", options: ["pool": "rbd", "adopt": "true", "access": "read-only", "mount-options": "rw,noatime"])
        let mountpoint = try await driver.mount("db", id: "m")
        #expect(filesystem?.records == ["kept"] && filesystem?.needsRecovery == false)
        #expect(cluster.world.nodes["a"]?.kernel.mounts.map(\.readOnly) == [true])
        #expect(throws: VolumeError.self) { try cluster.mutate { try $0.write("more", on: "a", at: mountpoint) } }
        try await driver.unmount("db", id: "m")
        #expect(filesystem?.records == ["kept"] && filesystem?.needsRecovery == false)
    }

    @Test("an Unmount that finds it busy leaves it read-only")
    func busy() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: ["pool": "rbd", "access": "read-only"])
        let mountpoint = try await driver.mount("db", id: "m")
        _ = try cluster.mutate { try $0.openDevice("/dev/rbd0", on: "a") }
        #expect(await errorOf { try await driver.unmount("db", id: "m") }?.code == .busy)
        #expect(cluster.world.nodes["a"]?.kernel.mounts.map(\.readOnly) == [true])
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
    }

    @Test("it is one node's at a time, as any volume: its device can be written to")
    func oneOwner() async throws {
        let (driver, other) = (DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b"))
        try await driver.create("db", options: ["pool": "rbd", "access": "read-only"])
        _ = try await driver.mount("db", id: "m")
        let error = await errorOf { _ = try await other.mount("db", id: "n") }
        #expect(error?.code == .ownedElsewhere && error?.why.contains("node a") == true)
    }

    @Test("it never grows, neither by command nor after its image")
    func size() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: ["pool": "rbd", "size": "1G", "access": "read-only"])
        #expect(cluster.mutate { $0.growByHand(image, to: .gibibytes(2)) })
        _ = try await driver.mount("db", id: "m")
        await driver.reconcileAll()
        let stored = cluster.world.etcd.read(try VolumeName("db"))
        #expect(stored.desired == nil && stored.volume?.record.spec.size == .gibibytes(1))
        #expect(throws: VolumeError.self) {
            try GrowthRule.request(.gibibytes(3), for: stored, at: WallTime(seconds: 0))
        }
    }

    @Test("one that is there as read-write is not what a Create of a read-only one asks for, and the other way round")
    func contradiction() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: ["pool": "rbd"])
        let error = await errorOf { try await driver.create("db", options: ["access": "read-only"]) }
        #expect(error?.code == .alreadyExists && error?.why.contains("access=read-write") == true)
    }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Volumes that are made out of others.
@Suite struct CloneTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "desk"])
    private let faults = ScriptedFaults()
    private let driver: VolumeDriver
    private let other: VolumeDriver
    private let snapshots: SnapshotActions

    init() async throws {
        driver = VolumeDriver(cluster.startPlugin(on: "a"))
        other = VolumeDriver(cluster.startPlugin(on: "b"))
        snapshots = SnapshotActions(cluster.startPlugin(on: "desk"))
        try await driver.create("db", options: ["pool": "rbd", "size": "1G"])
        try await write("first", to: "db")
        cluster.intercept(with: faults)
    }

    private func image(_ name: String) -> SimulatedImage? {
        cluster.world.ceph.images[ImageReference(pool: "rbd", name: name)]
    }

    private func record(_ name: String) throws -> VolumeRecord? {
        try cluster.world.etcd.read(VolumeName(name)).volume?.record
    }

    private func write(_ text: String, to volume: String) async throws {
        let mountpoint = try await driver.mount(volume, id: "writer")
        try cluster.mutate { try $0.write(text, on: "a", at: mountpoint) }
        try await driver.unmount(volume, id: "writer")
    }

    /// Nothing is left of it but volumes that are ready.
    private func expectNothingHalfMade(sourceLocation: SourceLocation = #_sourceLocation) {
        let names = cluster.world.ceph.images.keys.map(\.name).filter { $0.hasPrefix("rbd-plugin.") }
        #expect(names.isEmpty, sourceLocation: sourceLocation)
        #expect(
            image("db")?.snapshots.map(\.name).filter { $0.hasPrefix("clone-") } == [], sourceLocation: sourceLocation)
    }

    @Test("a clone of now holds what its parent holds, has a UUID of its own, and leaves no snapshot")
    func cloneOfNow() async throws {
        try await driver.create("copy", options: ["from": "db"])
        let (parent, clone) = try (#require(image("db")), #require(image("copy")))
        #expect(clone.filesystem?.records == ["first"] && clone.filesystem?.uuid != parent.filesystem?.uuid)
        let uid = try record("copy")?.uid
        #expect(clone.size == parent.size && clone.uid == uid && clone.timesFormatted == 0)
        expectNothingHalfMade()
        #expect(try record("copy")?.clonedFrom?.isOfNow == true)
        try await write("second", to: "copy")
        #expect(image("db")?.filesystem?.records == ["first"])
        // Both at once on one node.
        _ = try await driver.mount("db", id: "m1")
        _ = try await driver.mount("copy", id: "m2")
    }

    @Test("a clone of a snapshot holds what the parent held then, and is larger when asked")
    func cloneOfSnapshot() async throws {
        _ = try await snapshots.create("monday", of: "db")
        try await write("second", to: "db")
        try await other.create("old", options: ["from": "db", "from-snapshot": "monday", "size": "2G"])
        #expect(image("old")?.filesystem?.records == ["first"])
        let createdSize = try record("old")?.createdSize
        #expect(image("old")?.size == .gibibytes(1) && createdSize == .gibibytes(2))
        #expect(image("db")?.snapshots.map(\.name) == ["monday"])
        let mountpoint = try await other.mount("old", id: "m1")
        #expect(mountpoint.isEmpty == false)
        await other.growFullVolumes()
        await other.reconcileAll()
        #expect(image("old")?.filesystem?.size == .gibibytes(2) && image("old")?.size == .gibibytes(2))
        // Asked again, it is there.
        try await other.create("old", options: ["from": "db", "from-snapshot": "monday", "size": "2G"])
        let error = await errorOf { try await other.create("old", options: ["from": "db", "from-snapshot": "sunday"]) }
        #expect(error?.code == .alreadyExists && error?.why.contains("from-snapshot=monday") == true)
    }

    @Test("a clone of a mounted volume has what reached Ceph, and its journal is replayed")
    func mountedParent() async throws {
        let mountpoint = try await other.mount("db", id: "m1")
        try cluster.mutate { try $0.write("in use", on: "b", at: mountpoint) }
        try await driver.create("copy", options: ["from": "db"])
        #expect(image("copy")?.filesystem?.needsRecovery == false)
        #expect(image("db")?.filesystem?.needsRecovery == true)
        expectNothingHalfMade()
    }

    @Test("a parent that is not there, and a snapshot that is not there, are told by name, and nothing is recorded")
    func missing() async throws {
        let noParent = await errorOf { try await driver.create("copy", options: ["from": "nobody"]) }
        #expect(noParent?.code == .notFound && noParent?.why.contains("nobody") == true)
        let noSnapshot = await errorOf {
            try await driver.create("copy", options: ["from": "db", "from-snapshot": "sunday"])
        }
        #expect(noSnapshot?.code == .notFound && noSnapshot?.remedy.contains("snapshot ls db") == true)
        let itself = await errorOf { try await driver.create("copy", options: ["from": "copy"]) }
        #expect(itself?.code == .notFound)
        #expect(try record("copy") == nil)
        expectNothingHalfMade()
    }

    @Test("a parent that a clone needs is not removed; without the clone it is")
    func parentStays() async throws {
        try await driver.create("copy", options: ["from": "db"])
        let error = await errorOf { try await driver.remove("db") }
        #expect(error?.code == .busy && error?.outcome == .refused && error?.why.contains("rbd/copy") == true)
        _ = try await driver.mount("db", id: "m1")
        try await driver.unmount("db", id: "m1")
        try await driver.remove("copy")
        await driver.emptyTrash()
        try await driver.remove("db")
    }

    @Test("a snapshot that goes away before the clone is made: nothing is left, and the error says so")
    func snapshotGoes() async throws {
        _ = try await snapshots.create("monday", of: "db")
        faults.run(.imageClone, .before) { [cluster] _ in
            cluster.mutate { try? $0.removeSnapshot("monday", of: ImageReference(pool: "rbd", name: "db")) }
        }
        let error = await errorOf {
            try await driver.create("copy", options: ["from": "db", "from-snapshot": "monday"])
        }
        #expect(error?.code == .notFound)
        #expect(try record("copy") == nil && image("copy") == nil)
        expectNothingHalfMade()
    }
}

import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// A mounted volume that is to become larger.
@Suite struct GrowVolumeTests {
    private let faults = ScriptedFaults()
    private let cluster = SimulatedCluster()
    private let driver: VolumeDriver

    init() async throws {
        cluster.intercept(with: faults)
        driver = VolumeDriver(cluster.startPlugin(on: "a"))
        try await driver.create("db", options: ["pool": "rbd", "size": "1G"])
    }

    private var stored: StoredVolume? { try? cluster.world.etcd.read(VolumeName("db")) }
    private var filesystem: VolumeSize? { cluster.world.ceph.images.values.first?.filesystem?.size }

    @Test("an image that was grown by hand gets a filesystem that fills it, once the volume is mounted")
    func grownByHand() async throws {
        let image = try #require(cluster.world.ceph.images.keys.first)
        #expect(cluster.mutate { $0.growByHand(image, to: .gibibytes(3)) })
        _ = try await driver.mount("db", id: "m1")
        #expect(stored?.desired?.record.size == .gibibytes(3))
        try await driver.reconcile(VolumeName("db"))
        #expect(filesystem == .gibibytes(3))
        #expect(stored?.volume?.record.spec.size == .gibibytes(3))
        #expect(stored?.desired == nil)
    }

    @Test("a larger wish of an operator is not made smaller by an image that was grown by hand")
    func largerWish() async throws {
        let image = try #require(cluster.world.ceph.images.keys.first)
        cluster.mutate { world in
            _ = world.wishSize(.gibibytes(5), of: "db")
            _ = world.growByHand(image, to: .gibibytes(3))
        }
        _ = try await driver.mount("db", id: "m1")
        try await driver.reconcile(VolumeName("db"))
        #expect(filesystem == .gibibytes(5))
    }

    @Test("why a volume does not grow stands in the record of its mount until it has grown")
    func reason() async throws {
        _ = try await driver.mount("db", id: "m1")
        cluster.mutate { _ = $0.wishSize(.gibibytes(2), of: "db") }
        let refusal = VolumeError(.unsupported, "grow the filesystem", why: "it is not allowed to")
        faults.fail(.filesystemGrow, times: 3, with: refusal)
        for _ in 1...3 {
            await #expect(throws: refusal) { try await driver.reconcile(VolumeName("db")) }
        }
        #expect(stored?.attachment?.record.growthReason == "\(refusal)")
        #expect(stored?.volume?.record.spec.size == .gibibytes(1))
        #expect(try await driver.get("db").attachment?.growthReason != nil)
        try await driver.reconcile(VolumeName("db"))
        #expect(stored?.attachment?.record.growthReason == nil)
        #expect(stored?.volume?.record.spec.size == .gibibytes(2))
    }
}

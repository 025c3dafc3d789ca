import InMemoryPorts
import PortContracts
import Rig
import Testing
import VolumeCore

@testable import RBDDriver

@Suite("Volumes that grow by themselves") struct AutogrowTests {
    private let cluster = SimulatedCluster()
    private static let name = "db"

    /// Node a has the volume mounted, which may grow to 1 GiB.
    private func mounted(_ values: [RuntimeOption: String?] = standard) async throws -> (VolumeDriver, String) {
        let driver = DriverFixture.driver(cluster)
        try await driver.create(Self.name, options: DriverFixture.options)
        cluster.mutate { _ = $0.setValues(values, of: Self.name) }
        return (driver, try await driver.mount(Self.name, id: "m1"))
    }

    private static let standard: [RuntimeOption: String?] = [.autogrowAt: "80%", .autogrowMax: "1G"]

    /// Fills the volume to that many percent of what it can hold now.
    private func fill(_ percent: UInt64, at mountpoint: String) throws {
        try cluster.mutate { world in
            let filesystem = try world.filesystem(on: "a", at: mountpoint)
            try world.fill(filesystem.size.bytes * percent / 100 - filesystem.usedBytes, on: "a", at: mountpoint)
        }
    }

    private var size: VolumeSize? { cluster.world.etcd.volumes.values.first?.record.spec.size }
    private var wanted: VolumeSize? { cluster.world.etcd.desired.values.first?.record.size }

    private func pass(_ seconds: Int) { cluster.mutate { $0.advance(by: .seconds(seconds)) } }

    @Test("A volume that is nearly full becomes larger while it is mounted, by the step that was said")
    func grows() async throws {
        let (driver, mountpoint) = try await mounted(Self.standard.merging([.autogrowBy: "50%"]) { $1 })
        await driver.growFullVolumes()
        #expect(wanted == nil)
        try fill(81, at: mountpoint)
        await driver.growFullVolumes()
        #expect(wanted == .mebibytes(309))
        await driver.reconcileAll()
        #expect(size == .mebibytes(309) && wanted == nil)
        #expect(try cluster.mutate { try $0.filesystem(on: "a", at: mountpoint).size } == .mebibytes(309))
        #expect(driver.autogrowOutcomes == [.grown: 1])
    }

    @Test("It grows once a minute at most, also by another run of the plugin, and never beyond its bound")
    func pause() async throws {
        var (driver, mountpoint) = try await mounted(Self.standard.merging([.autogrowBy: "500M"]) { $1 })
        var sizes: [VolumeSize] = []
        for _ in 0..<40 {
            try fill(99, at: mountpoint)
            await driver.growFullVolumes()
            await driver.reconcileAll()
            if let size, sizes.last != size { sizes.append(size) }
            pass(10)
            driver = DriverFixture.driver(cluster)
        }
        #expect(sizes == [.mebibytes(706), .gibibytes(1)])
        await driver.growFullVolumes()
        let grownAt = try #require(cluster.world.etcd.volumes.values.first?.record.grownAt)
        #expect(grownAt - WallTime(seconds: 1_767_225_600) >= .seconds(60))
        #expect(driver.autogrowOutcomes == [.atMaximum: 1])
    }

    @Test("Nothing grows of what is not mounted here, not told to, or told not to")
    func stays() async throws {
        let (driver, mountpoint) = try await mounted([:])
        try fill(99, at: mountpoint)
        await driver.growFullVolumes()
        cluster.mutate { _ = $0.setValues([.autogrowAt: "off", .autogrowMax: "1G"], of: Self.name) }
        await driver.growFullVolumes()
        cluster.mutate { _ = $0.setValues(Self.standard, of: Self.name) }
        await DriverFixture.driver(cluster, on: "b").growFullVolumes()
        #expect(wanted == nil)
        await driver.growFullVolumes()
        #expect(wanted == .mebibytes(248))
    }

    @Test("What an operator wants comes first, and stays as it is")
    func operatorsWish() async throws {
        let (driver, mountpoint) = try await mounted()
        try fill(99, at: mountpoint)
        cluster.mutate { _ = $0.wishSize(.gibibytes(4), of: Self.name) }
        await driver.growFullVolumes()
        #expect(wanted == .gibibytes(4))
        await driver.reconcileAll()
        #expect(size == .gibibytes(4))
    }

    @Test("A pool that could not hold it says no once, and a minute later it is asked again")
    func refused() async throws {
        let (driver, mountpoint) = try await mounted()
        cluster.mutate { $0.ceph.pools["rbd"]?.capacity = .mebibytes(210) }
        for _ in 0..<3 {
            try fill(99, at: mountpoint)
            await driver.growFullVolumes()
            pass(5)
        }
        #expect(wanted == nil && driver.autogrowOutcomes == [.refused: 1])
        #expect(cluster.calls.count { $0.operation == .imagePreflight } == 2, "one of them is the creation's")
        cluster.mutate { $0.ceph.pools["rbd"]?.capacity = .gibibytes(1) }
        pass(60)
        await driver.growFullVolumes()
        #expect(wanted == .mebibytes(248) && driver.autogrowOutcomes == [.refused: 1, .grown: 1])
    }

    @Test(
        "Why a full volume does not grow stands in the record of its mount until it grows, is not full, or is not to grow"
    )
    func toldReason() async throws {
        var reason: String? { cluster.world.etcd.attachments.values.first?.record.autogrowReason }
        let (driver, mountpoint) = try await mounted()
        cluster.mutate { $0.ceph.pools["rbd"]?.capacity = .mebibytes(210) }
        try fill(70, at: mountpoint)
        await driver.growFullVolumes()
        #expect(reason == nil)
        try fill(99, at: mountpoint)
        await driver.growFullVolumes()
        let first = try #require(reason)
        #expect(first.contains("rbd"), "\(first)")
        #expect(try await driver.get(Self.name).attachment?.autogrowReason == first)

        // Another run of the plugin knows nothing, and writes nothing anew.
        let written = cluster.world.etcd.revision
        pass(61)
        await driver.growFullVolumes()
        #expect(cluster.world.etcd.revision == written)
        cluster.mutate { _ = $0.setValues([.autogrowAt: "off"], of: Self.name) }
        await driver.growFullVolumes()
        #expect(reason == nil)
        cluster.mutate { _ = $0.setValues(Self.standard, of: Self.name) }
        pass(61)
        await driver.growFullVolumes()
        #expect(reason != nil)

        cluster.mutate { $0.ceph.pools["rbd"]?.capacity = .gibibytes(1) }
        pass(61)
        await driver.growFullVolumes()
        #expect(wanted == .mebibytes(248) && reason == nil)
        await driver.reconcileAll()

        cluster.mutate { _ = $0.setValues([.autogrowMax: "248M"], of: Self.name) }
        try fill(99, at: mountpoint)
        await driver.growFullVolumes()
        #expect(reason == "it is as large as autogrow.max lets it become")
        cluster.mutate { _ = $0.wishSize(.mebibytes(500), of: Self.name) }
        await driver.reconcileAll()
        #expect(size == .mebibytes(500) && reason == nil)
    }

    @Test("A filesystem that does not answer is asked once, and holds up no other")
    func hung() async throws {
        let (driver, mountpoint) = try await mounted()
        try await driver.create("other", options: DriverFixture.options)
        cluster.mutate { _ = $0.setValues(Self.standard, of: "other") }
        let other = try await driver.mount("other", id: "m2")
        try fill(99, at: other)
        let hung = Latch()
        let faults = ScriptedFaults()
        let device = try #require(cluster.world.nodes["a"]?.kernel.mounts.first { $0.mountpoint == mountpoint }?.device)
        faults.run(.filesystemUsage, .before, times: .max) { if $0.subject == device { await hung.pass() } }
        cluster.intercept(with: faults)
        async let first: Void = driver.growFullVolumes()
        do { try await eventually("the other one to grow") { wanted != nil } } catch {
            hung.open()
            throw error
        }
        await driver.growFullVolumes()
        #expect(cluster.calls.count { $0.operation == .filesystemUsage && $0.subject == device } == 1)
        hung.open()
        await first
    }
}

import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// Devices that the kernel gives back with their last mount: an Unmount finds its own gone, and its path may be another
/// volume's device by then.
@Suite struct LastMountTests {
    private let cluster = SimulatedCluster()
    private let faults = ScriptedFaults()

    /// Volume `db`, mounted on node a for `m1`; and volume `other`, if asked for, which is not.
    private func mounted(besides other: String? = nil) async throws -> (driver: VolumeDriver, client: ClientAddress) {
        cluster.mutate { $0.giveBackWithLastMount(on: "a") }
        let driver = DriverFixture.driver(cluster)
        for name in ["db", other].compactMap(\.self) {
            try await driver.create(name, options: DriverFixture.options)
        }
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        // Any look at what is mapped.
        _ = try await driver.ports.mapper.mapped()
        cluster.intercept(with: faults)
        return (driver, try #require(cluster.world.etcd.attachments.values.first?.record.clients.first))
    }

    /// What Ceph and the kernel are left with once `db` is unmounted on a.
    private func expectGone(_ client: ClientAddress) {
        let image = cluster.world.ceph.images.first { $0.key.name == "db" }?.value.id ?? ""
        #expect(!cluster.world.mayWrite(client, image))
        #expect(!cluster.world.isFenced(client), "it ended in good order")
        #expect(cluster.world.etcd.attachments.isEmpty)
    }

    @Test("An Unmount ends the client of a device that goes with its last mount, and shuts nobody out")
    func anUnmountEndsItsClient() async throws {
        let (driver, client) = try await mounted()
        try await driver.unmount("db", id: "m1")
        expectGone(client)
    }

    @Test("An Unmount waits for whoever has found its device gone first, and shuts nobody out")
    func anUnmountWaitsForAnotherThatCleansUp() async throws {
        let (driver, client) = try await mounted()
        let (begun, cleaning) = (Latch(), Latch())
        faults.run(.mountUnmount, .after) { [faults, cluster] _ in
            // A round at that very moment: it finds what is left, and takes its time over it.
            faults.run(.deviceUnmap, .before) { _ in
                begun.open()
                await cleaning.pass()
            }
            Task { _ = try await driver.ports.mapper.mapped() }
            // Only then: an Unmount that came first would be held up in its place, for ever.
            await begun.pass()
            faults.run(.sleep, .after) { _ in
                cleaning.open()
                while cluster.world.leftover != nil { try await Task.sleep(for: .milliseconds(1)) }
            }
        }
        try await driver.unmount("db", id: "m1")
        expectGone(client)
    }

    @Test("An Unmount whose device was cleaned up by another shuts nobody out")
    func anUnmountFindsItsDeviceCleanedUp() async throws {
        let (driver, client) = try await mounted()
        faults.run(.mountUnmount, .after) { _ in _ = try await driver.ports.mapper.mapped() }
        try await driver.unmount("db", id: "m1")
        expectGone(client)
    }

    @Test("An Unmount ends when its device's path has become another volume's, which goes on")
    func anUnmountLeavesThePathsNewDeviceAlone() async throws {
        let (driver, client) = try await mounted(besides: "other")
        faults.run(.mountUnmount, .after) { _ in _ = try await driver.mount("other", id: "m2") }
        try await driver.unmount("db", id: "m1")
        let mountpoint = DriverFixture.mountRoot + "/other"
        try cluster.mutate { try $0.write("two", on: "a", at: mountpoint) }
        #expect(cluster.world.devices(of: "a") == ["/dev/rbd0"])
        #expect(!cluster.world.isFenced(client))
        #expect(cluster.world.etcd.attachments.count == 1)
    }

    @Test("An Unmount that cannot end its client mounts nothing of another volume's in its place")
    func aBusyUnmountMountsNothingElse() async throws {
        let (driver, client) = try await mounted(besides: "other")
        faults.run(.mountUnmount, .after) { _ in _ = try await driver.mount("other", id: "m2") }
        // The first is the Mount's, which finds what is left.
        faults.fail(.deviceUnmap, skipping: 1, with: VolumeError(.busy, "unmap", why: "it is being unmapped"))
        await #expect(throws: VolumeError.self) { try await driver.unmount("db", id: "m1") }
        #expect(cluster.world.mounts(of: "a") == [DriverFixture.mountRoot + "/other"])
        #expect(cluster.world.etcd.attachments.values.first { $0.record.clients == [client] } != nil)
        _ = try await driver.mount("db", id: "m3")
        #expect(cluster.world.harm.isEmpty)
    }

    @Test("An Unmount that mounts a busy volume again mounts nothing of another volume's that has its path by then")
    func aDeviceThatGoesLaterIsNotMounted() async throws {
        let (driver, client) = try await mounted(besides: "other")
        let container = try cluster.mutate {
            try $0.startContainer(on: "a", at: DriverFixture.mountRoot + "/db")
        }
        // The container ends at that very moment, and its device goes with it.
        faults.run(.mountHold, .before) { [cluster] _ in
            cluster.mutate { $0.release(container) }
            _ = try await driver.mount("other", id: "m2")
        }
        await #expect(throws: VolumeError.self) { try await driver.unmount("db", id: "m1") }
        #expect(cluster.world.mounts(of: "a") == [DriverFixture.mountRoot + "/other"])
        #expect(cluster.world.etcd.attachments.values.first { $0.record.clients == [client] } != nil)
        try await driver.unmount("other", id: "m2")
        let mountpoint = try await driver.mount("db", id: "m3")
        try cluster.mutate { try $0.write("three", on: "a", at: mountpoint) }
        #expect(cluster.world.harm.isEmpty)
    }

    @Test("An Unmount whose device's notes are lost before it is unmapped shuts its client out")
    func anUnmountBelievesNoUnmapThatFoundNothing() async throws {
        let (driver, client) = try await mounted()
        faults.run(.mountUnmount, .after) { [cluster] _ in cluster.mutate { $0.loseNotes(of: "a") } }
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.isFenced(client))
        #expect(cluster.world.etcd.attachments.isEmpty)
    }
}

extension World {
    fileprivate var leftover: SimulatedDevice? { nodes["a"]?.kernel.leftovers.first }
}

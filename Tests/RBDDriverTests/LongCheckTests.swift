import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Filesystems whose check takes longer than a call.
@Suite struct LongCheckTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b"])

    private func created() async throws -> VolumeDriver {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        for image in cluster.world.ceph.images.keys { cluster.mutate { $0.disorder(image) } }
        cluster.mutate { $0.holdChecks(on: "a") }
        return driver
    }

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    @Test("B9: a check that goes on keeps claim, client and device; a later Mount finds it done")
    func b9TheMappingStaysForTheCheck() async throws {
        let driver = try await created()
        let devices = try await {
            let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
            #expect(error.code == .checking)
            return cluster.world.devices(of: "a")
        }()
        #expect(devices.count == 1)
        #expect(attachment?.state == .attaching)
        #expect(attachment?.clients.count == 1)
        #expect(attachment?.mountIDs == [:])
        await driver.reconcileAll()
        // Docker sends an Unmount for a Mount that failed at no time, but a restarted container mounts again.
        let again = try #require(await errorOf { _ = try await driver.mount("db", id: "m2") })
        #expect(again.code == .checking)
        #expect(cluster.world.devices(of: "a") == devices)
        cluster.mutate { $0.letChecksEnd(on: "a") }
        let mountpoint = try await driver.mount("db", id: "m3")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        #expect(cluster.world.harm.isEmpty)
        #expect(attachment?.mountIDs == ["m3": 1])
        try await driver.unmount("db", id: "m3")
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test("B9: the reconciler leaves a check alone while it goes on, and lets go when it is done and nobody came")
    func b9TheReconcilerLeavesItAlone() async throws {
        let driver = try await created()
        #expect(await errorOf { _ = try await driver.mount("db", id: "m1") }?.code == .checking)
        let before = attachment
        await driver.reconcileAll()
        #expect(attachment == before)
        cluster.mutate { $0.letChecksEnd(on: "a") }
        await driver.reconcileAll()
        #expect(attachment == nil)
        #expect(cluster.world.devices(of: "a").isEmpty)
    }

    @Test("B9: a plugin that is started anew leaves the check of its earlier run alone")
    func b9ARestartLeavesItAlone() async throws {
        let driver = try await created()
        #expect(await errorOf { _ = try await driver.mount("db", id: "m1") }?.code == .checking)
        cluster.mutate { $0.killPlugin(on: "a") }
        let restarted = DriverFixture.driver(cluster)
        try await restarted.recover()
        #expect(cluster.world.devices(of: "a").count == 1)
        #expect(await errorOf { _ = try await restarted.mount("db", id: "m2") }?.code == .checking)
        cluster.mutate { $0.letChecksEnd(on: "a") }
        _ = try await restarted.mount("db", id: "m3")
        #expect(cluster.world.harm.isEmpty)
    }

    @Test("A check of another volume, on a path that was this one's, keeps nobody from letting go of this one")
    func theCheckIsAnothers() async throws {
        let driver = DriverFixture.driver(cluster)
        for name in ["db", "other"] { try await driver.create(name, options: DriverFixture.options) }
        _ = try await driver.mount("db", id: "m1")
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.run(.deviceUnmap, .after) { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        _ = try? await driver.unmount("db", id: "m1")
        #expect(attachment?.state == .detaching)
        let restarted = DriverFixture.driver(cluster)
        for image in cluster.world.ceph.images.keys { cluster.mutate { $0.disorder(image) } }
        cluster.mutate { $0.holdChecks(on: "a") }
        #expect(await errorOf { _ = try await restarted.mount("other", id: "m1") }?.code == .checking)
        try await restarted.unmount("db", id: "m1")
        #expect(cluster.world.etcd.attachments.keys.map(\.text) == ["other"])
    }

    @Test("B9: a check that goes on takes no place of its pool")
    func b9NoPlaceIsTaken() async throws {
        let driver = DriverFixture.driver(cluster, operationsPerPool: 1)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.create("other", options: DriverFixture.options)
        for image in cluster.world.ceph.images.keys { cluster.mutate { $0.disorder(image) } }
        cluster.mutate { $0.holdChecks(on: "a") }
        #expect(await errorOf { _ = try await driver.mount("db", id: "m1") }?.code == .checking)
        #expect(await errorOf { _ = try await driver.mount("other", id: "m1") }?.code == .checking)
        try await driver.create("third", options: DriverFixture.options)
    }
}

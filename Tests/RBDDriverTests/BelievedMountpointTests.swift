import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// The plugin was started with another mount root than the one that its volumes were mounted below.
@Suite struct BelievedMountpointTests {
    private let cluster = SimulatedCluster()
    private let former = "/mnt/volumes/db"
    private let now = "/srv/volumes/db"

    private var attachment: Attachment? { record("db") }

    private func record(_ name: String) -> Attachment? {
        cluster.world.etcd.readAll().first { $0.name.text == name }?.attachment?.record
    }

    private func driver(_ node: String = "a", mapper: (any DeviceMapper)? = nil) -> VolumeDriver {
        let before = DriverFixture.driver(cluster, on: node)
        var (ports, settings) = (before.ports, before.settings)
        settings.mountRoot = "/srv/volumes"
        if let mapper { ports.mapper = mapper }
        return VolumeDriver(
            ports: ports, settings: settings, me: before.me,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Volume `db` is mounted for `m1` below the former root.
    private func mounted() async throws {
        let before = DriverFixture.driver(cluster)
        try await before.create("db", options: DriverFixture.options)
        _ = try await before.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: former) }
    }

    @Test("B6: what is mounted below the former root is counted there, and given back with its last unmount")
    func b6WhatIsMountedIsCountedAndGivenBack() async throws {
        try await mounted()
        let driver = driver()
        try await driver.recover()
        #expect(try await driver.mount("db", id: "m2") == former)
        #expect(try await driver.path("db") == former)
        for id in ["m1", "m2"] { try await driver.unmount("db", id: id) }
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
        #expect(try await driver.mount("db", id: "m3") == now)
    }

    @Test("B6: a volume below the former root that another node has taken over is let go of")
    func b6ATakenVolumeIsLetGoOf() async throws {
        try await mounted()
        cluster.mutate { world in
            world.killPlugin(on: "a")
            world.expireHeartbeat(of: "a")
        }
        _ = try await driver("b").mount("db", id: "m2")
        let loser = driver()
        await loser.reconcileAll()
        #expect(cluster.world.mounts(of: "a").isEmpty && cluster.world.devices(of: "a").isEmpty)
        #expect(cluster.world.mounts(of: "b") == [now])
    }

    @Test(
        "B6: a dead mount below the former root goes, also of a volume that was removed since",
        arguments: [true, false])
    func b6ADeadMountGoes(isRemoved: Bool) async throws {
        try await mounted()
        cluster.mutate { world in
            world.killMapping("/dev/rbd0", on: "a")
            world.killPlugin(on: "a")
            world.expireHeartbeat(of: "a")
        }
        if isRemoved {
            let other = driver("b")
            _ = try await other.mount("db", id: "m2")
            try await other.unmount("db", id: "m2")
            try await other.remove("db")
            let driver = driver()
            await driver.reconcileAll()
            #expect(cluster.world.leftovers.isEmpty)
        } else {
            let driver = driver()
            #expect(try await driver.mount("db", id: "m2") == now)
            #expect(cluster.world.mounts(of: "a") == [now])
            try cluster.mutate { try $0.write("two", on: "a", at: now) }
        }
    }

    @Test("B6: what turns out to be in use stays, and is to be found below the new root")
    func b6WhatIsInUseStays() async throws {
        try await mounted()
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: former) }
        let driver = driver()
        let error = try #require(await errorOf { try await driver.unmount("db", id: "m1") })
        #expect(error.code == .busy)
        #expect(attachment?.state == .attached && attachment?.mountpoint == now)
        #expect(cluster.world.mounts(of: "a") == [now])
        try cluster.mutate { try $0.write("two", by: container) }
        cluster.mutate { $0.release(container) }
        await driver.reconcileAll()
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
    }

    @Test("B6: a record that names another volume's device and mountpoint unmounts neither", arguments: [true, false])
    func b6ARecordUnmountsNothingElse(isDead: Bool) async throws {
        try await mounted()
        let before = DriverFixture.driver(cluster)
        try await before.create("victim", options: DriverFixture.options)
        let theirs = try await before.mount("victim", id: "v")
        try await forge(device: record("victim")?.device, mountpoint: theirs)
        if isDead { cluster.mutate { $0.killMapping("/dev/rbd1", on: "a") } }
        let driver = driver()
        _ = await errorOf { try await driver.unmount("db", id: "m1") }
        _ = await errorOf { _ = try await driver.mount("db", id: "m2") }
        await driver.reconcileAll()
        #expect(cluster.world.mounts(of: "a").contains(theirs))
    }

    @Test("B6: what no mapper knows is not unmounted at a place that only the record names, and the error says so")
    func b6WhatNobodyKnowsIsNotUnmounted() async throws {
        try await mounted()
        let before = DriverFixture.driver(cluster)
        let driver = driver(mapper: MistakenMapper(base: before.ports.mapper, kind: "fuse"))
        let error = try #require(await errorOf { try await driver.unmount("db", id: "m1") })
        #expect(error.code == .unexplained)
        #expect(error.description.contains("which is outside /srv/volumes"), "\(error)")
        #expect(cluster.world.mounts(of: "a") == [former])
        #expect(attachment?.mountpoint == former)
    }

    private func forge(device: String?, mountpoint: String) async throws {
        let store = DriverFixture.driver(cluster).ports.store
        let stored = try await store.read(try VolumeName("db"))
        var forged = try #require(stored.attachment?.record)
        (forged.device, forged.mountpoint) = (device, mountpoint)
        _ = try await store.commit(.init(attachment: .put(forged)), over: stored)
    }
}

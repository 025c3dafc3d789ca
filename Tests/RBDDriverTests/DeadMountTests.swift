import InMemoryPorts
import Logging
import PortContracts
import Testing
import VolumeCore

@testable import RBDDriver

/// The process behind a mapping has died; the kernel still shows its mount.
@Suite struct DeadMountTests {
    private let cluster = SimulatedCluster()
    private let mountpoint = "/mnt/volumes/db"

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    private func dead() async throws -> (driver: VolumeDriver, client: ClientAddress) {
        try await DriverFixture.deadMount(cluster)
    }

    private func forgetWatch() { cluster.mutate { $0.advance(by: .seconds(31)) } }

    @Test func theNextMountMapsAnew() async throws {
        let (driver, client) = try await dead()
        forgetWatch()
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        try cluster.mutate { try $0.write("two", on: "a", at: mountpoint) }
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(cluster.world.isFenced(client), "whatever becomes of it, it writes no more")
        #expect(attachment?.mountIDs.keys.sorted() == ["m1", "m2"])
        for id in ["m1", "m2"] { try await driver.unmount("db", id: id) }
        #expect(cluster.world.devices(of: "a").isEmpty && cluster.world.mounts(of: "a").isEmpty)
    }

    @Test("A Mount with the id of a mount that is gone is its only one: Docker sends one Unmount for it")
    func aStaleIDCountsOnce() async throws {
        let (driver, _) = try await dead()
        forgetWatch()
        _ = try await driver.mount("db", id: "m1")
        #expect(attachment?.mountIDs == ["m1": 1])
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
    }

    @Test func aRestartedPluginMapsAnewToo() async throws {
        _ = try await dead()
        forgetWatch()
        let driver = DriverFixture.driver(cluster)
        try await driver.recover()
        #expect(attachment?.state == .attached, "containers may still count on being unmounted")
        _ = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("two", on: "a", at: mountpoint) }
    }

    /// A container's own mount of what is dead keeps nobody from the volume.
    @Test func aContainerThatOutlivedTheMappingIsNoHindrance() async throws {
        let (driver, _) = try await dead()
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        forgetWatch()
        _ = try await driver.mount("db", id: "m2")
        try cluster.mutate { try $0.write("two", on: "a", at: mountpoint) }
        #expect(throws: VolumeError.self) { try cluster.mutate { try $0.write("lost", by: container) } }
        cluster.mutate { $0.release(container) }
    }

    @Test(
        "D14: a client whose process is certain to be dead is shut out at once, and nobody waits for its watch to end")
    func d14NobodyWaitsForTheDead() async throws {
        let (_, client) = try await dead()
        cluster.mutate { $0.ceph.watchTimeout = .seconds(600) }
        let driver = DriverFixture.driver(cluster)
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        #expect(cluster.world.isFenced(client))
        #expect(try await driver.ports.mapper.deadClients().isEmpty, "once is enough")
        try cluster.mutate { try $0.write("two", on: "a", at: mountpoint) }
        for id in ["m1", "m2"] { try await driver.unmount("db", id: id) }
    }

    @Test("D14: nor does it keep the volume from being removed once its mount is gone")
    func d14TheDeadKeepNothingFromBeingRemoved() async throws {
        let (_, client) = try await dead()
        cluster.mutate { $0.unmountLazily(below: "/mnt/volumes", on: "a") }
        let driver = DriverFixture.driver(cluster)
        try await driver.unmount("db", id: "m1")
        try await driver.remove("db")
        #expect(cluster.world.isFenced(client))
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test("D14: a client that a living mapping, or another node's record, has as well is left alone")
    func d14WhatMayLiveIsLeftAlone() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let other = DriverFixture.driver(cluster, on: "b")
        _ = try await other.mount("db", id: "m1")
        let theirs = try #require(attachment?.clients.first)
        var ports = driver.ports
        ports.mapper = TakenForDead(base: ports.mapper, client: theirs)
        let mistaken = VolumeDriver(ports: ports, settings: driver.settings, me: driver.me, log: driver.log)
        _ = try await mistaken.inspect(ImageReference(pool: "rbd", name: "db"))
        #expect(!cluster.world.isFenced(theirs))
    }

    /// The mapper's notes may be gone while the process lives.
    @Test func asLongAsCephSeesTheClientNothingIsTouched() async throws {
        let (driver, client) = try await dead()
        cluster.mutate { $0.doubtDeadClients(of: "a") }
        let before = attachment
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m2") })
        #expect(error.code == .inUse)
        #expect(error.description.contains("is in use by \(client)"), "\(error)")
        #expect(attachment == before)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(!cluster.world.isFenced(client))
    }

    @Test func openFilesKeepTheDeadMountAndTheErrorSaysSo() async throws {
        let (driver, _) = try await dead()
        let file = try cluster.mutate { try $0.openFile(on: "a", at: mountpoint) }
        forgetWatch()
        let before = attachment
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m2") })
        #expect(error.code == .busy)
        #expect(error.description.contains("stop the containers"), "\(error)")
        #expect(attachment == before)
        cluster.mutate { $0.release(file) }
        _ = try await driver.mount("db", id: "m2")
    }

    @Test func whatAnUnmountHadBegunIsNoHindrance() async throws {
        let (driver, _) = try await dead()
        let faults = ScriptedFaults()
        faults.fail(.mountUnmount, times: 2)
        cluster.intercept(with: faults)
        _ = await errorOf { try await driver.unmount("db", id: "m1") }
        cluster.intercept(with: NoFaults())
        forgetWatch()
        _ = try await driver.mount("db", id: "m2")
        try cluster.mutate { try $0.write("two", on: "a", at: mountpoint) }
    }

    /// It may be dead: nobody is told that it is mounted, and nothing is done to it.
    @Test func whatTheMapperCannotTellIsNotHandedOut() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        let faults = ScriptedFaults()
        faults.fail(.deviceList)
        cluster.intercept(with: faults)
        await #expect(throws: VolumeError.self) { try await driver.mount("db", id: "m2") }
        #expect(attachment?.mountIDs.count == 1)
        #expect(cluster.world.mounts(of: "a") == [mountpoint])
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
    }

    /// As after a start, with the kernel's driver, while Ceph does not answer: a container that is to have what is mounted
    /// already does not have to wait.
    @Test func beforeAMapperIsChosenTheKernelIsBelieved() async throws {
        let before = DriverFixture.driver(cluster)
        try await before.create("db", options: DriverFixture.options)
        _ = try await before.mount("db", id: "m1")
        var ports = before.ports
        ports.mapper = UnchosenMapper()
        let driver = VolumeDriver(
            ports: ports, settings: before.settings, me: before.me,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        #expect(attachment?.mountIDs.count == 2)
    }

    /// The setting was changed under a mounted volume: its mapping is none of the new mapper's business, and lives.
    @Test func whatAnotherKindOfMapperMadeIsNotJudged() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        var ports = driver.ports
        ports.mapper = MistakenMapper(base: ports.mapper, kind: "fuse")
        let changed = VolumeDriver(
            ports: ports, settings: driver.settings, me: driver.me,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(try await changed.mount("db", id: "m2") == mountpoint)
        try cluster.mutate { try $0.write("two", on: "a", at: mountpoint) }
        #expect(attachment?.mountIDs.count == 2)
    }
}

/// A mapper that takes a client for dead.
private struct TakenForDead: DeviceMapper {
    let base: any DeviceMapper
    let client: ClientAddress

    var kind: String { base.kind }
    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { try await base.unsupported(features) }
    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        try await base.map(image, id: id, for: access, options: options)
    }
    func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await base.isReadOnly(device) }
    func mapped() async throws -> [MappedDevice] { try await base.mapped() }
    func deadMappings() async throws -> [MappedDevice] { try await base.deadMappings() }
    func deadClients() async throws -> [ClientAddress] { [client] }
    func forgetDeadClient(_ client: ClientAddress) async throws {}
    func isOwn(_ device: MappedDevice) async throws -> Bool { try await base.isOwn(device) }
    func unmap(_ device: MappedDevice) async throws -> Bool { try await base.unmap(device) }
    func size(of device: MappedDevice) async throws -> VolumeSize { try await base.size(of: device) }
    func grow(_ device: MappedDevice, to size: VolumeSize) async throws { try await base.grow(device, to: size) }
}

/// The mapper of a plugin that has not been able to choose one yet.
private struct UnchosenMapper: DeviceMapper {
    private let notYet = VolumeError(.unavailable, "choose a mapper", why: "Ceph has not said yet which cluster it is")

    var kind: String { "auto" }
    var kinds: Set<String> { [] }
    func kind(of device: MappedDevice) -> String { "auto" }
    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { throw notYet }
    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice { throw notYet }
    func isReadOnly(_ device: MappedDevice) async throws -> Bool { throw notYet }
    func mapped() async throws -> [MappedDevice] { throw notYet }
    func deadMappings() async throws -> [MappedDevice] { throw notYet }
    func deadClients() async throws -> [ClientAddress] { throw notYet }
    func forgetDeadClient(_ client: ClientAddress) async throws { throw notYet }
    func isOwn(_ device: MappedDevice) async throws -> Bool { throw notYet }
    func unmap(_ device: MappedDevice) async throws -> Bool { throw notYet }
    func size(of device: MappedDevice) async throws -> VolumeSize { throw notYet }
    func grow(_ device: MappedDevice, to size: VolumeSize) async throws { throw notYet }
}

import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Devices that bear the name of a volume's image and are of another image.
@Suite struct ImageIdentityTests {
    private let cluster = SimulatedCluster()
    private let image = ImageReference(pool: "rbd", name: "db")
    private let mountpoint = "/mnt/volumes/db"

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    private var volume: VolumeRecord? { cluster.world.etcd.volumes.values.first?.record }

    private func devices(_ node: String = "a") -> [String: SimulatedDevice] {
        cluster.world.nodes[node]?.kernel.devices ?? [:]
    }

    /// Somebody has mapped an image `db` of theirs on node a, and renamed it since.
    private func byHand() throws -> MappedDevice {
        try cluster.mutate { world in
            world.addImage(image, content: .filesystem(SimulatedFilesystem(type: .ext4, size: .mebibytes(512))))
            let device = try world.mapByHand(image, on: "a")
            try world.renameByHand(image, to: "db.old")
            return device
        }
    }

    /// Node a has had the volume mounted; while it slept, node b took it over, removed it and created it anew.
    private func replaced() async throws -> (sleeper: VolumeDriver, other: VolumeDriver, old: MappedDevice) {
        let sleeper = DriverFixture.driver(cluster)
        try await sleeper.create("db", options: DriverFixture.options)
        _ = try await sleeper.mount("db", id: "m1")
        let old = try #require(try await sleeper.ports.mapper.mapped().first)
        cluster.mutate { world in
            world.pause("a")
            world.expireHeartbeat(of: "a")
        }
        let other = DriverFixture.driver(cluster, on: "b")
        _ = try await other.mount("db", id: "m2")
        try await other.unmount("db", id: "m2")
        try await other.remove("db")
        try await other.create("db", options: DriverFixture.options)
        cluster.mutate { $0.wake("a") }
        return (sleeper, other, old)
    }

    private func driver(_ driver: VolumeDriver, with mapper: any DeviceMapper) -> VolumeDriver {
        var ports = driver.ports
        ports.mapper = mapper
        return VolumeDriver(
            ports: ports, settings: driver.settings, me: driver.me,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func expectMountedFromItsOwnImage(_ node: String = "a") throws {
        let path = try #require(attachment?.device)
        #expect(devices(node)[path]?.imageID == volume?.imageID)
        try cluster.mutate { try $0.write("mine", on: node, at: mountpoint) }
        #expect(cluster.world.records(of: image) == ["mine"])
    }

    @Test("A2: a device that bears the name of the volume's image is not mounted when it is another image")
    func a2ADeviceOfAnotherImageIsNotMounted() async throws {
        let theirs = try byHand()
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        #expect(attachment?.device != theirs.path)
        try expectMountedFromItsOwnImage()
        #expect(cluster.world.records(of: image.named("db.old")) == [])
        await driver.reconcileAll()
        try await driver.unmount("db", id: "m1")
        #expect(devices().keys.sorted() == [theirs.path], "what people have mapped is left to them")
    }

    @Test("A2: the device of a volume that was removed is not the one of a new volume of that name")
    func a2TheDeviceOfARemovedVolumeIsNotMounted() async throws {
        let (sleeper, _, old) = try await replaced()
        // An operator has cleaned up the blocklist.
        cluster.mutate { $0.liftFence(of: old.client) }
        _ = try await sleeper.mount("db", id: "m3")
        try expectMountedFromItsOwnImage()
        #expect(devices().count == 1, "the old device was the plugin's own, and is given back")
    }

    @Test(
        "A2: what is left of a removed volume goes without a call, also when a new volume of that name is mounted here")
    func a2TheReconcilerLetsGoOfTheOldDevice() async throws {
        let (sleeper, other, old) = try await replaced()
        _ = try await other.mount("db", id: "m3")
        await sleeper.reconcileAll()
        #expect(devices()[old.path] == nil && cluster.world.mounts(of: "a").isEmpty)
        try expectMountedFromItsOwnImage("b")
    }

    @Test("A2: as long as a container uses the old device, it stays, and the mount says why")
    func a2AnOldDeviceInUseStays() async throws {
        let (sleeper, _, old) = try await replaced()
        let file = try cluster.mutate { try $0.openFile(on: "a", at: mountpoint) }
        let error = try #require(await errorOf { _ = try await sleeper.mount("db", id: "m3") })
        #expect(error.code == .busy)
        #expect(devices().keys.sorted() == [old.path] && attachment == nil)
        cluster.mutate { $0.release(file) }
        _ = try await sleeper.mount("db", id: "m3")
        try expectMountedFromItsOwnImage()
    }

    @Test("A2: an image that gets the name right before it is mapped is not mapped")
    func a2ANameThatGoesToAnotherImageIsNotMapped() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        let faults = ScriptedFaults()
        faults.run(.deviceMap, .before, on: "a") { [cluster, image] _ in
            try cluster.mutate { world in
                try world.renameByHand(image, to: "db.mine")
                world.addImage(image)
            }
        }
        cluster.intercept(with: faults)
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .foreignImage)
        #expect(error.description.contains("belongs to the image with id"), "\(error)")
        #expect(devices().isEmpty && attachment == nil)
    }

    @Test("A2: an image that was renamed while it is mounted, and named back, stays the volume's")
    func a2ARenamedImageIsStillTheVolumes() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.renameByHand(image, to: "db.x") }
        try cluster.mutate { try $0.renameByHand(image.named("db.x"), to: "db") }
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        for id in ["m1", "m2"] { try await driver.unmount("db", id: id) }
        #expect(devices().isEmpty)
    }

    @Test("A2: a record that names another volume's device and mountpoint gives that mount to nobody")
    func a2ARecordDoesNotMakeAnotherVolumesMountIts() async throws {
        let driver = DriverFixture.driver(cluster)
        for name in ["db", "victim"] {
            try await driver.create(name, options: DriverFixture.options)
            _ = try await driver.mount(name, id: "m1")
        }
        let victim = try #require(try await driver.ports.store.read(try VolumeName("victim")).attachment?.record)
        let stored = try await driver.ports.store.read(try VolumeName("db"))
        var forged = try #require(stored.attachment?.record)
        (forged.device, forged.clients) = (victim.device, victim.clients)
        forged.mountpoint = victim.mountpoint
        _ = try await driver.ports.store.commit(.init(attachment: .put(forged)), over: stored)
        _ = try await driver.mount("db", id: "m2")
        let record = try #require(try await driver.ports.store.read(try VolumeName("db")).attachment?.record)
        #expect(record.mountpoint == mountpoint)
        #expect(cluster.world.mounts(of: "a").sorted() == [mountpoint, "/mnt/volumes/victim"])
    }

    // MARK: Notes without an id

    @Test("A2: a device that was noted without an id is the volume's when the record names it and its client")
    func a2ARecordedDeviceWithoutAnIDIsTheVolumes() async throws {
        let before = DriverFixture.driver(cluster)
        try await before.create("db", options: DriverFixture.options)
        _ = try await before.mount("db", id: "m1")
        let driver = driver(before, with: OldNotes(base: before.ports.mapper))
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        cluster.mutate { $0.unmountLazily(below: "/mnt/volumes", on: "a") }
        _ = try await driver.mount("db", id: "m3")
        #expect(devices().count == 1)
        try expectMountedFromItsOwnImage()
        for id in ["m1", "m2", "m3"] { try await driver.unmount("db", id: id) }
        #expect(devices().isEmpty && attachment == nil)
    }

    @Test("A2: a device of unknown image that no record names is given back, and the image mapped anew")
    func a2AnUnrecordedDeviceOfThePluginIsGivenBack() async throws {
        let before = DriverFixture.driver(cluster)
        try await before.create("db", options: DriverFixture.options)
        let old = try await before.ports.mapper.map(image, id: nil, options: [])
        let driver = driver(before, with: OldNotes(base: before.ports.mapper, paths: [old.path]))
        _ = try await driver.mount("db", id: "m1")
        #expect(attachment?.clients != [old.client].compactMap(\.self))
        #expect(devices().count == 1)
        try expectMountedFromItsOwnImage()
    }

    @Test(
        "A2: a device of unknown image that somebody else has mapped is neither used nor touched, and the error says so"
    )
    func a2AnUnknownDeviceIsRefused() async throws {
        let theirs = try byHand()
        let before = DriverFixture.driver(cluster)
        try await before.create("db", options: DriverFixture.options)
        let driver = driver(before, with: OldNotes(base: before.ports.mapper, paths: [theirs.path]))
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .unexplained)
        #expect(error.description.contains("the plugin cannot tell which image it is"), "\(error)")
        #expect(error.description.contains("unmap \(theirs.path)"), "\(error)")
        #expect(devices().keys.sorted() == [theirs.path] && attachment == nil)
    }
}

/// A mapper whose notes, those of some devices or all, are of a version that wrote no ids.
private struct OldNotes: DeviceMapper {
    let base: any DeviceMapper
    var paths: Set<String>?

    private func aged(_ device: MappedDevice) -> MappedDevice {
        var device = device
        if paths?.contains(device.path) ?? true { device.imageID = nil }
        return device
    }

    var kind: String { base.kind }
    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { try await base.unsupported(features) }
    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        try await base.map(image, id: id, for: access, options: options)
    }
    func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await base.isReadOnly(device) }
    func mapped() async throws -> [MappedDevice] { try await base.mapped().map(aged) }
    func deadMappings() async throws -> [MappedDevice] { try await base.deadMappings().map(aged) }
    func deadClients() async throws -> [ClientAddress] { try await base.deadClients() }
    func forgetDeadClient(_ client: ClientAddress) async throws { try await base.forgetDeadClient(client) }
    func isOwn(_ device: MappedDevice) async throws -> Bool { try await base.isOwn(device) }
    func unmap(_ device: MappedDevice) async throws -> Bool { try await base.unmap(device) }
    func size(of device: MappedDevice) async throws -> VolumeSize { try await base.size(of: device) }
    func grow(_ device: MappedDevice, to size: VolumeSize) async throws { try await base.grow(device, to: size) }
}

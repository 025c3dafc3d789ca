import InMemoryPorts
import Logging
import RBDDriver
import Synchronization
import Testing
import VolumeCore

/// A driver whose mapper is another one than that of the plugin before it, and knows it.
@Suite struct ChangedMapperTests {
    private let cluster = SimulatedCluster()
    private let mountpoint = "/mnt/volumes/db"

    private var attachment: Attachment? { cluster.world.etcd.attachments.values.first?.record }

    /// As after a start with another setting.
    private func changed(_ driver: VolumeDriver) -> VolumeDriver {
        var ports = driver.ports
        ports.mapper = NextMapper(former: ports.mapper)
        return VolumeDriver(
            ports: ports, settings: driver.settings, me: driver.me,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func mounted() async throws -> VolumeDriver {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        return changed(driver)
    }

    @Test func whatIsMountedIsCountedAndGivenBack() async throws {
        let driver = try await mounted()
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        #expect(attachment?.mapper == "krbd")
        for id in ["m1", "m2"] { try await driver.unmount("db", id: id) }
        #expect(cluster.world.devices(of: "a").isEmpty && attachment == nil)
        _ = try await driver.mount("db", id: "m3")
        #expect(attachment?.mapper == "next")
    }

    @Test func aMappingThatDiedIsJudgedByTheKindThatMadeIt() async throws {
        let driver = try await mounted()
        let device = try #require(cluster.world.devices(of: "a").first)
        cluster.mutate {
            $0.killMapping(device, on: "a")
            $0.advance(by: .seconds(31))
        }
        #expect(try await driver.mount("db", id: "m2") == mountpoint)
        try cluster.mutate { try $0.write("new", on: "a", at: mountpoint) }
        #expect(attachment?.mapper == "next")
    }

    @Test func whatIsFoundMappedIsRecordedAsWhatItIs() async throws {
        let driver = try await mounted()
        cluster.mutate { $0.unmountLazily(below: DriverFixture.mountRoot, on: "a") }
        let device = try #require(cluster.world.devices(of: "a").first)
        _ = try await driver.mount("db", id: "m1")
        #expect(attachment?.device == device)
        #expect(attachment?.mapper == "krbd")
    }
}

/// Maps in another way than the former, whose devices it looks after.
private final class NextMapper: DeviceMapper {
    let former: any DeviceMapper
    private let made = Mutex<Set<String>>([])

    init(former: any DeviceMapper) { self.former = former }

    var kind: String { "next" }
    var kinds: Set<String> { ["next", former.kind] }
    func kind(of device: MappedDevice) -> String { made.withLock { $0.contains(device.path) } ? kind : former.kind }

    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { [] }
    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        let device = try await former.map(image, id: id, for: access, options: options)
        made.withLock { _ = $0.insert(device.path) }
        return device
    }
    func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await former.isReadOnly(device) }
    func mapped() async throws -> [MappedDevice] { try await former.mapped() }
    func deadMappings() async throws -> [MappedDevice] { try await former.deadMappings() }
    func deadClients() async throws -> [ClientAddress] { try await former.deadClients() }
    func forgetDeadClient(_ client: ClientAddress) async throws { try await former.forgetDeadClient(client) }
    func isOwn(_ device: MappedDevice) async throws -> Bool { try await former.isOwn(device) }
    func unmap(_ device: MappedDevice) async throws -> Bool {
        let isGone = try await former.unmap(device)
        made.withLock { _ = $0.remove(device.path) }
        return isGone
    }
    func size(of device: MappedDevice) async throws -> VolumeSize { try await former.size(of: device) }
    func grow(_ device: MappedDevice, to size: VolumeSize) async throws { try await former.grow(device, to: size) }
}

import Synchronization
import VolumeCore

/// This node's mapper, and those that were it before and have left something mapped: `RBD_MAPPER` can be changed under
/// mounted volumes, and `auto` finds the kernel's driver once its module is loaded. Images are mapped by the present one;
/// what is mapped is looked after by the one that made it.
final class PresentAndFormerMappers: DeviceMapper {
    private let present: any DeviceMapper
    private let former: Mutex<[MapperKind: any DeviceMapper]>
    private let traces: MappingTraces

    init(_ present: any DeviceMapper, former: [MapperKind: any DeviceMapper], traces: MappingTraces) {
        self.present = present
        self.former = Mutex(former)
        self.traces = traces
    }

    var kind: String { present.kind }

    var kinds: Set<String> { former.withLock { Set($0.keys.map(\.rawValue)) }.union(present.kinds) }

    func kind(of device: MappedDevice) -> String { maker(of: device).kind }

    private func maker(of device: MappedDevice) -> any DeviceMapper {
        former.withLock { $0[MapperKind(of: device)] } ?? present
    }

    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures {
        try await present.unsupported(features)
    }

    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        try await present.map(image, id: id, for: access, options: options)
    }

    func mapped() async throws -> [MappedDevice] {
        var devices = try await present.mapped()
        for (kind, mapper) in former.withLock(\.self) {
            let theirs = try await mapper.mapped()
            devices += theirs
            // Nobody maps in that way any more, so what is gone stays gone.
            if theirs.isEmpty, try await !traces.exist(of: kind) { former.withLock { $0[kind] = nil } }
        }
        return devices
    }

    func deadMappings() async throws -> [MappedDevice] {
        var devices = try await present.deadMappings()
        for mapper in former.withLock({ Array($0.values) }) { devices += try await mapper.deadMappings() }
        return devices
    }

    func deadClients() async throws -> [ClientAddress] {
        var clients = try await present.deadClients()
        for mapper in former.withLock({ Array($0.values) }) { clients += try await mapper.deadClients() }
        return clients
    }

    func forgetDeadClient(_ client: ClientAddress) async throws {
        try await present.forgetDeadClient(client)
        for mapper in former.withLock({ Array($0.values) }) { try await mapper.forgetDeadClient(client) }
    }

    func isOwn(_ device: MappedDevice) async throws -> Bool { try await maker(of: device).isOwn(device) }

    func unmap(_ device: MappedDevice) async throws -> Bool { try await maker(of: device).unmap(device) }

    func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await maker(of: device).isReadOnly(device) }

    func size(of device: MappedDevice) async throws -> VolumeSize { try await maker(of: device).size(of: device) }

    func grow(_ device: MappedDevice, to size: VolumeSize) async throws {
        try await maker(of: device).grow(device, to: size)
    }
}

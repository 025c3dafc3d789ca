import VolumeCore

/// A mapper that does not know what is mapped, although it lives: of another kind, or one that cannot see the processes.
struct MistakenMapper: DeviceMapper {
    let base: any DeviceMapper
    let kind: String
    /// Whether it has notes of what is mapped, and takes it for dead.
    var hasNotes = false

    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { [] }
    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        try await base.map(image, id: id, for: access, options: options)
    }
    func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await base.isReadOnly(device) }
    func mapped() async throws -> [MappedDevice] { [] }
    func deadMappings() async throws -> [MappedDevice] { hasNotes ? try await base.mapped() : [] }
    func deadClients() async throws -> [ClientAddress] { [] }
    func forgetDeadClient(_ client: ClientAddress) async throws {}
    func isOwn(_ device: MappedDevice) async throws -> Bool { hasNotes }
    func unmap(_ device: MappedDevice) async throws -> Bool { try await base.unmap(device) }
    func size(of device: MappedDevice) async throws -> VolumeSize { try await base.size(of: device) }
    func grow(_ device: MappedDevice, to size: VolumeSize) async throws { try await base.grow(device, to: size) }
}

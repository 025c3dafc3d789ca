import Synchronization
import VolumeCore

/// The mapper of this node, chosen when it is first needed: the kernel's modules may be loaded after the plugin starts.
/// A choice that fails is told to the caller and made again the next time; one that succeeds stays.
public final class DeferredMapper: DeviceMapper {
    private let chosen = Mutex<(any DeviceMapper)?>(nil)
    private let make: @Sendable () async throws -> any DeviceMapper

    public init(_ make: @escaping @Sendable () async throws -> any DeviceMapper) { self.make = make }

    /// The mapper. Two callers at once may both make one; the first one made is kept.
    public func choose() async throws -> any DeviceMapper {
        if let mapper = chosen.withLock(\.self) { return mapper }
        let mapper = try await make()
        return chosen.withLock { chosen in
            let kept = chosen ?? mapper
            chosen = kept
            return kept
        }
    }

    public var kind: String { chosen.withLock { $0?.kind ?? "auto" } }

    public var kinds: Set<String> { chosen.withLock { $0?.kinds ?? [] } }

    public func kind(of device: MappedDevice) -> String { chosen.withLock { $0?.kind(of: device) ?? "auto" } }

    public func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures {
        try await choose().unsupported(features)
    }

    public func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice {
        try await choose().map(image, id: id, for: access, options: options)
    }

    public func mapped() async throws -> [MappedDevice] { try await choose().mapped() }

    public func deadMappings() async throws -> [MappedDevice] { try await choose().deadMappings() }

    public func deadClients() async throws -> [ClientAddress] { try await choose().deadClients() }

    public func forgetDeadClient(_ client: ClientAddress) async throws {
        try await choose().forgetDeadClient(client)
    }

    public func isOwn(_ device: MappedDevice) async throws -> Bool { try await choose().isOwn(device) }

    public func unmap(_ device: MappedDevice) async throws -> Bool { try await choose().unmap(device) }

    public func isReadOnly(_ device: MappedDevice) async throws -> Bool { try await choose().isReadOnly(device) }

    public func size(of device: MappedDevice) async throws -> VolumeSize { try await choose().size(of: device) }

    public func grow(_ device: MappedDevice, to size: VolumeSize) async throws {
        try await choose().grow(device, to: size)
    }
}

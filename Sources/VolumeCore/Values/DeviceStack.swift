/// What lies between an image and its filesystem on a node: the mapped device, and what stands on it.
///
/// The mapper knows the bottom. Mounts, and the filesystem's tools, know the top alone. So a mount's source and a mapped
/// device's path are never compared: what is mounted is what a stack exposes.
public struct DeviceStack: Sendable, Hashable {
    public let mapped: MappedDevice
    /// The devices that layers have made of it, such as one that decrypts; the lowest first.
    public let layers: [String]

    public init(_ mapped: MappedDevice, layers: [String] = []) {
        self.mapped = mapped
        self.layers = layers
    }

    /// The path of the device that the filesystem is on.
    public var exposed: String { layers.last ?? mapped.path }
}

extension MappedDevice {
    /// Volumes have no layers yet.
    public var stack: DeviceStack { DeviceStack(self) }

    /// The path of the device that the filesystem is on.
    public var exposed: String { stack.exposed }
}

extension Attachment {
    /// The path of the device that the filesystem is on, once mapped. Volumes have no layers yet: it is the mapped device's.
    public var exposed: String? { device }
}

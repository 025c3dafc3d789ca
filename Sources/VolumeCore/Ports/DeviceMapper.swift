/// Makes images block devices of this node.
public protocol DeviceMapper: Sendable {
    /// `krbd`, `nbd` or `fuse`, as recorded and shown: how images are mapped from now on.
    var kind: String { get }

    /// All kinds whose devices `mapped` shows: those that this node's mapper was before are among them, as long as they may
    /// have left something.
    var kinds: Set<String> { get }

    /// The kind that the device was made by.
    func kind(of device: MappedDevice) -> String

    /// The features among `features` that this mapper cannot serve; empty when it can map such an image.
    func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures

    /// Maps the image, provided that its id is `id` (any when `nil`). Mapping is not idempotent: the caller makes sure that it is
    /// not mapped already on this node.
    /// - Parameter access: `readOnly` for a device that the kernel lets nobody write to, however privileged. It takes no lock of
    ///   the image, any number of nodes can have it at once, and its client need not be told.
    /// - Returns: the device, whose `imageID` is that of the very image that is mapped.
    /// - Throws: `VolumeError` with code `foreignImage` when the name leads to another image: then nothing is mapped.
    func map(
        _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
    ) async throws -> MappedDevice

    /// Everything that is mapped on this node by these kinds of mapper, whoever mapped it.
    func mapped() async throws -> [MappedDevice]

    /// Devices that this plugin mapped and that were not given back, although the process that carried their data has ended:
    /// every access fails for good. Only those that the mapper has notes of, each as it was mapped.
    func deadMappings() async throws -> [MappedDevice]

    /// The clients of mappings of this plugin whose process is certain to have ended, in whatever container it was, and which
    /// Ceph may still count.
    func deadClients() async throws -> [ClientAddress]

    /// Nothing is to be done about the dead client any more.
    func forgetDeadClient(_ client: ClientAddress) async throws

    /// Whether this plugin mapped the device, in this run or an earlier one of this boot, as far as that can be told: a
    /// `false` may be wrong, a `true` must not. What people have mapped by hand is left to them.
    func isOwn(_ device: MappedDevice) async throws -> Bool

    /// Gives the device back; succeeds when it is mapped no more.
    /// - Returns: whether this run of the plugin has ended the mapping in good order, now or a moment ago: its client can
    ///   write no more. `false` when nothing of it was found, since something else has ended it, or the notes of it are lost
    ///   and it goes on; and when its process had to be killed.
    /// - Throws: `VolumeError` with code `busy` while anything has the device open, in any mount namespace.
    @discardableResult
    func unmap(_ device: MappedDevice) async throws -> Bool

    /// Whether the kernel refuses every write to the device.
    func isReadOnly(_ device: MappedDevice) async throws -> Bool

    /// The size in bytes that the kernel shows for the device.
    func size(of device: MappedDevice) async throws -> VolumeSize

    /// Makes the device as large as its image has become, and waits until the kernel shows it.
    func grow(_ device: MappedDevice, to size: VolumeSize) async throws
}

/// Of a mapper that has always been this node's.
extension DeviceMapper {
    public var kinds: Set<String> { [kind] }

    public func kind(of device: MappedDevice) -> String { kind }
}

extension DeviceMapper {
    /// Maps the image for writing.
    public func map(_ image: ImageReference, id: String?, options: [String]) async throws -> MappedDevice {
        try await map(image, id: id, for: .readWrite, options: options)
    }
}

/// An image as a block device.
public struct MappedDevice: Sendable, Hashable {
    /// As it was mapped.
    public var image: ImageReference
    /// librbd's id of the image. The name may have gone to another image since; the id stays. `nil` when it cannot be told:
    /// whoever mapped it left no note of it.
    public var imageID: String?
    /// `/dev/rbd0`, `/dev/loop3`.
    public var path: String
    /// What the cluster knows this mapping as; `nil` when it cannot be told yet.
    public var client: ClientAddress?

    public init(image: ImageReference, imageID: String? = nil, path: String, client: ClientAddress? = nil) {
        self.image = image
        self.imageID = imageID
        self.path = path
        self.client = client
    }
}

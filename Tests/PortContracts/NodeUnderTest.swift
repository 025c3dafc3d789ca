import Testing
import VolumeCore

/// One node with all that touches images and devices there: what the suites of the formatter, the mapper, the
/// filesystems and the fence need.
public struct NodeUnderTest: Sendable {
    let images: any ImageStore
    let snapshots: any SnapshotStore
    let formatter: any VolumeFormatter
    let mapper: any DeviceMapper
    /// The mapper of a plugin that is started now, in the place of the one before.
    let restarted: @Sendable () throws -> any DeviceMapper
    let filesystems: any FilesystemTools
    let mounter: any Mounter
    let fence: any Fence
    let clock: any DriverClock
    let place: ImagePlace
    let mountRoot: String
    let types: [FilesystemType]
    let growable: Set<FilesystemType>
    let applications: any NodeApplications

    /// - Parameters:
    ///   - mountRoot: an existing directory, empty and of the tests alone.
    ///   - types: the filesystems that this node's kernel can mount.
    ///   - growable: those that this process may grow while they are mounted; ext4 demands CAP_SYS_RESOURCE.
    public init(
        images: any ImageStore, snapshots: any SnapshotStore, formatter: any VolumeFormatter,
        mapper: any DeviceMapper,
        restarted: @escaping @Sendable () throws -> any DeviceMapper,
        filesystems: any FilesystemTools, mounter: any Mounter, fence: any Fence, clock: any DriverClock,
        place: ImagePlace, mountRoot: String, types: [FilesystemType], growable: Set<FilesystemType>,
        applications: any NodeApplications
    ) {
        self.images = images
        self.snapshots = snapshots
        self.formatter = formatter
        self.mapper = mapper
        self.restarted = restarted
        self.filesystems = filesystems
        self.mounter = mounter
        self.fence = fence
        self.clock = clock
        self.place = place
        self.mountRoot = mountRoot
        self.types = types
        self.growable = growable
        self.applications = applications
    }

    func mountpoint(_ hint: String) -> String { "\(mountRoot)/\(Fresh.name(hint))" }
}

/// What users of a node do, beside the ports.
public protocol NodeApplications: Sendable {
    /// Opens a file below the directory, or the device, and keeps it open.
    /// - Returns: what closes it.
    func open(_ path: String) async throws -> @Sendable () async throws -> Void

    /// Writes a file below the mountpoint, with fsync. Directories in `name` exist.
    func write(_ text: String, to name: String, at mountpoint: String) async throws

    /// The content of a file; `nil` when there is none.
    func read(_ name: String, at mountpoint: String) async throws -> String?

    /// What is in the root directory.
    func entries(at mountpoint: String) async throws -> Set<String>

    /// Owner, group and mode (without the file type) of the root directory.
    func owner(of mountpoint: String) async throws -> RootOwner

    /// Bytes that the filesystem could hold.
    func capacity(at mountpoint: String) async throws -> UInt64

    /// Writes a file of that many bytes, none of them zero, with fsync.
    func fill(_ name: String, _ bytes: UInt64, at mountpoint: String) async throws

    /// Removes such a file, with sync of the filesystem.
    func remove(_ name: String, of bytes: UInt64, at mountpoint: String) async throws

    func exists(_ path: String) async throws -> Bool

    /// Kills the process that carries the device's data.
    func killMapping(of device: MappedDevice) async throws

    /// Makes checks of ext4 filesystems go on until they are let end.
    func holdChecks() async throws

    func letChecksEnd() async throws

    /// Makes a device of the image in another way than by the mapper, as a person does, for the time of `body`.
    func withDeviceByHand(_ image: ImageReference, _ body: (MappedDevice) async throws -> Void) async throws

    /// Damages the ext4 filesystem on a device that nobody uses: in a way that a check repairs by itself and that the kernel
    /// may not have noticed; or, if `beyondRepair`, so that a person has to look.
    func disorder(_ device: MappedDevice, beyondRepair: Bool) async throws

    /// Gives the sound ext4 filesystem on a device that nobody uses a reason to be checked.
    func give(_ device: MappedDevice, _ reason: CheckReason) async throws

    /// How long the client's blocklist entry will still stand; `nil` when there is none.
    func timeLeftOnBlocklist(_ client: ClientAddress) async throws -> Duration?

    /// Puts bytes that are no filesystem somewhere on an image.
    func spoil(_ image: ImageReference) async throws
}

/// Why an ext4 filesystem is checked before it is mounted.
public enum CheckReason: Sendable, CaseIterable {
    case notUnmounted
    case errorSeen
    case timesMounted
    case timePassed
}

public struct RootOwner: Sendable, Hashable {
    public var uid: UInt32
    public var gid: UInt32
    public var mode: UInt16

    public init(uid: UInt32, gid: UInt32, mode: UInt16) {
        self.uid = uid
        self.gid = gid
        self.mode = mode
    }
}

extension NodeUnderTest {
    /// Who holds the lock of an image that is there.
    func lockOwners(of image: ImageReference) async throws -> [ClientAddress] {
        try #require(await images.inspect(image)).lockOwners
    }

    /// Lends a new blank image and removes it.
    func withImage(
        _ type: FilesystemType = .ext4, namespaced: Bool = false, features: ImageFeatures = .standard,
        _ body: (ImageReference, VolumeSpec) async throws -> Void
    ) async throws {
        let image = place.image(type.rawValue, namespaced: namespaced)
        var spec = place.spec(type, namespaced: namespaced)
        spec.features = features
        _ = try await images.create(image, spec: spec, uid: "uid")
        try await cleaningUp {
            try await body(image, spec)
        } after: {
            try await images.remove(image, id: nil)
        }
    }

    /// Lends an image as a device and unmaps it.
    func withDevice(_ image: ImageReference, _ body: (MappedDevice) async throws -> Void) async throws {
        let device = try await mapper.map(image, id: nil, options: [])
        try await cleaningUp {
            try await body(device)
        } after: {
            try await mapper.unmap(device)
        }
    }

    /// Lends a new image with a filesystem, mapped.
    func withVolume(
        _ type: FilesystemType = .ext4, _ body: (MappedDevice, ImageReference) async throws -> Void
    ) async throws {
        try await withFormatted(type) { image, _ in
            try await withDevice(image) { try await body($0, image) }
        }
    }

    /// Lends a new image with a filesystem, and its id, and removes it.
    func withFormatted(
        _ type: FilesystemType = .ext4, namespaced: Bool = false,
        _ body: (ImageReference, String) async throws -> Void
    ) async throws {
        let image = place.image(type.rawValue, namespaced: namespaced)
        try await cleaningUp {
            let spec = place.spec(type, namespaced: namespaced)
            try await body(image, formatter.createFormatted(image, spec: spec, uid: "uid"))
        } after: {
            try await images.remove(image, id: nil)
        }
    }

    /// Lends a mounted filesystem and unmounts it.
    func withMount(
        _ device: MappedDevice, _ type: FilesystemType = .ext4, options: [String] = [],
        _ body: (String) async throws -> Void
    ) async throws {
        let mountpoint = mountpoint(type.rawValue)
        try await mounter.mount(device.path, at: mountpoint, type, options: options)
        try await cleaningUp {
            try await body(mountpoint)
        } after: {
            try await mounter.unmount(mountpoint)
        }
    }
}

import KernelRequest
import SystemPackage
import VolumeCore

/// What the kernel's rbd driver says of itself in sysfs (Documentation/ABI/testing/sysfs-bus-rbd). All calls block.
struct KrbdDevices: Sendable {
    struct Device: Sendable, Hashable {
        /// The number in `/dev/rbd<id>`.
        var id: UInt32
        var image: ImageReference
        /// What the kernel found under that name when it mapped it.
        var imageID: String?
        /// Not the image itself but one of its snapshots, which cannot be written.
        var isSnapshot: Bool
        var client: ClientAddress?
        /// The cluster's id; `nil` from kernels that do not tell.
        var fsid: String?

        var mapped: MappedDevice {
            MappedDevice(image: image, imageID: imageID, path: "/dev/rbd\(id)", client: client)
        }
    }

    /// Where sysfs is mounted; another folder in tests.
    var sys = "/sys"

    private var bus: String { "\(sys)/bus/rbd" }

    var isDriverLoaded: Bool { SystemCall.exists(bus) }

    /// Everything that is mapped, whoever mapped it.
    /// - Throws: `Errno`.
    func all() throws -> [Device] {
        try SystemCall.names(in: "\(bus)/devices").compactMap { name in
            guard let id = UInt32(name) else { return nil }
            let folder = "\(bus)/devices/\(name)"
            // A device that goes away while it is read is not mapped.
            guard let pool = try SmallFile.line("\(folder)/pool"), let image = try SmallFile.line("\(folder)/name")
            else {
                return nil
            }
            let snapshot = try SmallFile.line("\(folder)/current_snap") ?? "-"
            return Device(
                id: id,
                image: ImageReference(
                    pool: pool, namespace: try SmallFile.line("\(folder)/pool_ns") ?? "", name: image),
                imageID: try SmallFile.line("\(folder)/image_id"),
                isSnapshot: snapshot != "-",
                client: try SmallFile.line("\(folder)/client_addr").flatMap(ClientAddress.init),
                fsid: try SmallFile.line("\(folder)/cluster_fsid"))
        }
    }

    /// Whether a plugin of this host had the device mapped: the kernel shows what it was asked. Where a cluster wants no
    /// keys, it cannot be told.
    func isMadeByPlugin(_ id: UInt32) throws -> Bool {
        try SmallFile.line("\(bus)/devices/\(id)/config_info")?.contains(",key=" + KernelRequest.keyPrefix) ?? false
    }

    /// The features of images that this kernel can map.
    /// - Returns: `nil` when the driver is not loaded.
    func supportedFeatures() throws -> ImageFeatures? {
        guard let line = try SmallFile.line("\(bus)/supported_features") else {
            // Kernels before 4.11 have no such file.
            return isDriverLoaded ? .layering : nil
        }
        let digits = line.hasPrefix("0x") ? line.dropFirst(2) : line[...]
        guard let bits = UInt64(digits, radix: 16) else { throw Errno.badMessage }
        return ImageFeatures(rawValue: bits)
    }

    /// Makes the driver look at the image's size now. A help, and no condition: it watches the image, and is told of a new size.
    /// In a managed plugin the bus alone can be written, and the device's own files are read-only.
    func refresh(_ id: UInt32) throws {
        do {
            let file = try FileDescriptor.open("\(bus)/devices/\(id)/refresh", .writeOnly, options: [.closeOnExec])
            try file.closeAfter { _ = try file.writeAll(Array("1".utf8)) }
        } catch Errno.readOnlyFileSystem {
            return
        }
    }

    /// The number in `/dev/rbd<id>`.
    static func id(ofPath path: String) -> UInt32? {
        path.hasPrefix("/dev/rbd") ? UInt32(path.dropFirst("/dev/rbd".count)) : nil
    }
}

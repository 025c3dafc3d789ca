import SystemPackage
import VolumeCore

/// The port `VolumeFormatter` with a device: creates the image, maps it, and runs the filesystem's tools on it.
public struct MappedFormatter: VolumeFormatter {
    private let images: any ImageStore
    private let mapper: any DeviceMapper
    private let kernel: KernelCalls
    private let mkfs: DeviceMkfs
    private let filesystems: any FilesystemTools
    private let identity: FilesystemIdentity

    /// - Parameter stateFolder: `RBD_STATE_DIR`; mkfs gets an empty working directory below it.
    public init(
        images: any ImageStore, mapper: any DeviceMapper, runner: any CommandRunner, kernel: KernelCalls,
        stateFolder: String, filesystems: any FilesystemTools
    ) {
        self.images = images
        self.mapper = mapper
        self.kernel = kernel
        mkfs = DeviceMkfs(runner: runner, kernel: kernel, root: stateFolder + "/format")
        self.filesystems = filesystems
        identity = FilesystemIdentity(runner: runner, kernel: kernel)
    }

    public func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        let id = try await images.create(image, spec: spec, uid: uid)
        try await format(image, id: id, spec)
        return id
    }

    public func createClone(
        _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
    ) async throws -> String {
        let id = try await images.clone(snapshot, as: image, spec: spec, uid: uid)
        do {
            try await withDevice(image, id) { try await renew(spec.filesystem, on: $0, of: image) }
        } catch let error as VolumeError where error.code == .unfinished {
            // The filesystem was repaired, and the device may show what was there before.
            try await withDevice(image, id) { try await renew(spec.filesystem, on: $0, of: image) }
        }
        return id
    }

    private func renew(_ filesystem: FilesystemType, on device: String, of image: ImageReference) async throws {
        try await filesystems.check(device, filesystem)
        try await identity.renew(filesystem, on: device, to: "give image \(image) a filesystem of its own")
    }

    private func format(_ image: ImageReference, id: String, _ spec: VolumeSpec) async throws {
        let what = "make a filesystem on image \(image)"
        try await withDevice(image, id) { device in
            try await refuseContent(device, size: spec.size, what)
            try await mkfs.run(on: device, spec, to: what)
        }
    }

    private func withDevice(_ image: ImageReference, _ id: String, _ body: (String) async throws -> Void) async throws {
        let device = try await mapper.map(image, id: id, options: [])
        do {
            try await whileHeld(device, body)
        } catch {
            _ = try? await mapper.unmap(device)
            throw error
        }
        try await mapper.unmap(device)
    }

    /// A mapping whose process dies leaves its path to whatever is mapped next: another volume's device must not be formatted for it.
    private func whileHeld(_ device: MappedDevice, _ body: (String) async throws -> Void) async throws {
        let held = try await kernel.hold(device.path)
        do {
            try device.refuseIfReplaced(
                by: try await mapper.mapped().first { $0.path == device.path }, "use the new image \(device.image)")
            try await body(device.path)
        } catch {
            await held.release()
            throw error
        }
        await held.release()
    }

    /// Reads head, tail and the places of superblocks. Only what was read and is zero counts as blank.
    private func refuseContent(_ path: String, size: VolumeSize, _ what: String) async throws {
        let isBlank = try await kernel.run("read \(path)", to: what) {
            let device = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            return try device.closeAfter {
                let starts: [UInt64] = [0, size.bytes / 2, size.bytes - (1 << 20)]
                return try starts.allSatisfy { start in
                    var buffer = [UInt8](repeating: 0xff, count: 1 << 20)
                    let count = try buffer.withUnsafeMutableBytes { bytes in
                        try device.read(fromAbsoluteOffset: Int64(start), into: bytes)
                    }
                    return count == buffer.count && buffer.allSatisfy { $0 == 0 }
                }
            }
        }
        guard isBlank else {
            throw VolumeError.notBlank(what)
        }
    }
}

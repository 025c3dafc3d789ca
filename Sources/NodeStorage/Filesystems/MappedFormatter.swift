import SystemPackage
import VolumeCore

/// The port `VolumeFormatter` with a device: creates the image, maps it, and runs mkfs on it.
public struct MappedFormatter: VolumeFormatter {
    private let images: any ImageStore
    private let mapper: any DeviceMapper
    private let kernel: KernelCalls
    private let mkfs: DeviceMkfs

    /// - Parameter stateFolder: `RBD_STATE_DIR`; mkfs gets an empty working directory below it.
    public init(
        images: any ImageStore, mapper: any DeviceMapper, runner: any CommandRunner, kernel: KernelCalls,
        stateFolder: String
    ) {
        self.images = images
        self.mapper = mapper
        self.kernel = kernel
        mkfs = DeviceMkfs(runner: runner, kernel: kernel, root: stateFolder + "/format")
    }

    public func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        let id = try await images.create(image, spec: spec, uid: uid)
        try await format(image, id: id, spec)
        return id
    }

    private func format(_ image: ImageReference, id: String, _ spec: VolumeSpec) async throws {
        let what = "make a filesystem on image \(image)"
        let device = try await mapper.map(image, id: id, options: [])
        do {
            try await refuseContent(device.path, size: spec.size, what)
            try await mkfs.run(on: device.path, spec, to: what)
        } catch {
            _ = try? await mapper.unmap(device)
            throw error
        }
        try await mapper.unmap(device)
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

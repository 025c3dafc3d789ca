import SystemPackage
import VolumeCore

/// Makes the filesystem on the mapped image, with mkfs on its device.
public struct MappedFormatter: VolumeFormatter {
    private let mapper: any DeviceMapper
    private let runner: any CommandRunner
    private let kernel: KernelCalls

    public init(mapper: any DeviceMapper, runner: any CommandRunner, kernel: KernelCalls) {
        self.mapper = mapper
        self.runner = runner
        self.kernel = kernel
    }

    public func format(_ image: ImageReference, spec: VolumeSpec) async throws {
        let what = "make a filesystem on image \(image)"
        let device = try await mapper.map(image, options: [])
        do {
            try await refuseContent(device.path, size: spec.size, what)
            let mkfs = MkfsCommand(spec.filesystem, words: spec.mkfsOptions)
            try await runner.succeed(Command(mkfs.tool, mkfs.options + [device.path]), to: what)
        } catch {
            try? await mapper.unmap(device)
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
            throw VolumeError(.damaged, what, why: "it is not blank; nothing was written", outcome: .refused)
        }
    }
}

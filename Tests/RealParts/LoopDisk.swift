import Glibc
import Rig
import VolumeCore

@testable import NodeStorage

/// A sparse file as a disk, for the filesystem adapters.
package struct LoopDisk: Sendable {
    package let file: String
    package let device: String

    package static func make(_ bench: LinuxBench, _ size: VolumeSize = .mebibytes(512)) async throws -> LoopDisk {
        let file = "\(bench.scratch.path)/\(uniqueName("disk"))"
        try await bench.tool("truncate", "-s", "\(size.bytes)", file)
        let device = try await LoopDevices(runner: bench.runner, kernel: bench.kernel).attach(file, to: "test")
        return LoopDisk(file: file, device: device)
    }

    package func format(_ bench: LinuxBench, _ filesystem: FilesystemType) async throws {
        let mkfs = MkfsCommand(filesystem, size: .mebibytes(512), words: [])
        let command = Command(mkfs.tool, mkfs.options + [device], timeout: .seconds(120))
        try await bench.runner.succeed(command.apart(bench.kernel, to: "format"), to: "format")
    }

    package func grow(_ bench: LinuxBench, to size: VolumeSize) async throws {
        try await bench.tool("truncate", "-s", "\(size.bytes)", file)
        try await bench.tool("losetup", "-c", device)
    }

    /// Overwrites part of the disk.
    package func spoil(_ range: Range<Int>, with byte: UInt8 = 0xa5) {
        let disk = open(device, O_WRONLY | O_CLOEXEC)
        defer { close(disk) }
        let bytes = [UInt8](repeating: byte, count: range.count)
        precondition(pwrite(disk, bytes, bytes.count, off_t(range.lowerBound)) == bytes.count && fsync(disk) == 0)
    }
}

/// A mount root in the scratch folder, and what users of a volume do.
extension LinuxBench {
    package func mountRoot() async throws -> String {
        let root = scratch.path + "/mnt"
        try await tool("mkdir", "-p", root)
        return root
    }

    package func entries(_ folder: String) throws -> Set<String> { Set(try SystemCall.names(in: folder)) }
}

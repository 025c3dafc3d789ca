import Glibc
import PortContracts
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct SparseImageFormatterTests {
    private func formatter(_ bench: LinuxBench) -> SparseImageFormatter {
        SparseImageFormatter(
            runner: bench.runner, kernel: bench.kernel, stateFolder: bench.scratch.path, timeout: .seconds(120))
    }

    /// Writes the extents into another sparse file of that size, as they would be written into an image.
    private func copy(
        _ bench: LinuxBench, _ size: VolumeSize, _ spec: VolumeSpec, to file: String
    ) async throws -> [ImageExtent] {
        try await bench.tool("truncate", "-s", "\(size.bytes)", file)
        return try await formatter(bench).withFilesystem(size: size, spec: spec) { filesystem in
            let image = open(file, O_WRONLY | O_CLOEXEC)
            defer { close(image) }
            var all: [ImageExtent] = []
            for try await extent in try await filesystem.extents() {
                #expect(pwrite(image, extent.bytes, extent.bytes.count, off_t(extent.offset)) == extent.bytes.count)
                all.append(ImageExtent(offset: extent.offset, bytes: [UInt8](repeating: 0, count: extent.bytes.count)))
            }
            return all
        }
    }

    private func check(_ bench: LinuxBench, _ filesystem: FilesystemType, _ file: String) async throws {
        switch filesystem {
        case .ext4: try await bench.tool("e2fsck", "-f", "-n", file)
        case .xfs: try await bench.tool("xfs_repair", "-n", "-f", file)
        case .btrfs: try await bench.tool("btrfs", "check", "--readonly", file)
        }
    }

    @Test(arguments: FilesystemType.allCases, [VolumeSize.mebibytes(512), .gibibytes(100)])
    func whatIsLentIsAWholeFilesystem(_ filesystem: FilesystemType, _ size: VolumeSize) async throws {
        try await LinuxBench.run("format") { bench in
            let spec = VolumeSpec(pool: "rbd", size: size, filesystem: filesystem)
            let file = bench.scratch.path + "/copy"
            let extents = try await copy(bench, size, spec, to: file)
            try await check(bench, filesystem, file)
            let object = UInt64(1) << spec.order
            for extent in extents {
                let last = extent.offset + UInt64(extent.bytes.count) - 1
                #expect(extent.offset % 4096 == 0)
                #expect(extent.offset / object == last / object)
                #expect(last < size.bytes)
            }
            #expect(zip(extents, extents.dropFirst()).allSatisfy { $0.offset < $1.offset })
            let left = try bench.entries(bench.scratch.path + "/format")
            #expect(left == [])
        }
    }

    @Test func smallObjectsAreNeverCrossed() async throws {
        try await LinuxBench.run("format") { bench in
            let spec = VolumeSpec(pool: "rbd", size: .mebibytes(64), order: 16)
            let file = bench.scratch.path + "/copy"
            let extents = try await copy(bench, .mebibytes(64), spec, to: file)
            try await check(bench, .ext4, file)
            #expect(extents.allSatisfy { $0.offset >> 16 == ($0.offset + UInt64($0.bytes.count) - 1) >> 16 })
        }
    }

    /// What differs by chance: UUIDs, seeds and times.
    private func traits(_ bench: LinuxBench, _ path: String) async throws -> [Substring] {
        try await bench.tool("dumpe2fs", "-h", path).split(separator: "\n").filter { line in
            !["UUID", "Seed", "seed:", "created", "time", "checked", "checksum:", "Lifetime", "Checksum:"].contains {
                line.contains($0)
            }
        }
    }

    @Test(arguments: [VolumeSize.mebibytes(206), .gibibytes(20)])
    func ext4HasTheTraitsThatADeviceWouldGiveIt(_ size: VolumeSize) async throws {
        try await LinuxBench.run("format") { bench in
            let file = bench.scratch.path + "/copy"
            _ = try await copy(bench, size, VolumeSpec(pool: "rbd", size: size), to: file)
            let disk = try await LoopDisk.make(bench, size)
            try await disk.format(bench, .ext4)
            #expect(try await traits(bench, file) == traits(bench, disk.device))
        }
    }

    @Test func xfsHasTheGeometryThatADeviceWouldGiveIt() async throws {
        try await LinuxBench.run("format") { bench in
            let file = bench.scratch.path + "/copy"
            let spec = VolumeSpec(pool: "rbd", size: .gibibytes(20), filesystem: .xfs)
            _ = try await copy(bench, spec.size, spec, to: file)
            let disk = try await LoopDisk.make(bench, spec.size)
            try await disk.format(bench, .xfs)
            let geometry = [
                "-r", "-c", "sb 0", "-c", "p blocksize sectsize agblocks agcount logblocks unit width features2",
            ]
            let ours = try await runTool("xfs_db", ["-f"] + geometry + [file]).checked().output
            let theirs = try await runTool("xfs_db", geometry + [disk.device]).checked().output
            #expect(ours == theirs)
            #expect(ours.contains("sectsize = 512"))
        }
    }

    private struct Stop: Error {}

    @Test func theScratchFileIsRemovedWhenTheWriterFails() async throws {
        try await LinuxBench.run("format") { bench in
            await #expect(throws: Stop.self) {
                try await formatter(bench).withFilesystem(size: .mebibytes(64), spec: VolumeSpec(pool: "rbd")) {
                    for try await _ in try await $0.extents() { throw Stop() }
                }
            }
            let left = try bench.entries(bench.scratch.path + "/format")
            #expect(left == [])
        }
    }

    @Test(arguments: [true, false])
    func aMkfsWhoseFilesystemNobodyWantsAnyMoreIsEnded(isCancelled: Bool) async throws {
        try await LinuxBench.run("format") { bench in
            let mkfs = try await SlowMkfs.make(bench)
            let formatter = SparseImageFormatter(
                runner: mkfs.runner, kernel: bench.kernel, stateFolder: bench.scratch.path, timeout: .seconds(120))
            let call = Task {
                try await formatter.withFilesystem(size: .mebibytes(64), spec: VolumeSpec(pool: "rbd")) { filesystem in
                    // It runs already, although nobody has asked for what it makes.
                    try await mkfs.started()
                    if isCancelled { withUnsafeCurrentTask { $0?.cancel() } } else { throw Stop() }
                    _ = try await filesystem.extents()
                }
            }
            let error = await #expect(throws: (any Error).self) { try await call.value }
            #expect(error is Stop == !isCancelled)
            #expect(try await mkfs.isRunning == false)
            let left = try bench.entries(bench.scratch.path + "/format")
            #expect(left == [])
        }
    }

    @Test func leftoversOfACrashGoAndFilesInUseStay() async throws {
        try await LinuxBench.run("format") { bench in
            let root = bench.scratch.path + "/format"
            try await bench.tool("mkdir", "-p", root + "/crashed")
            try await bench.tool("touch", root + "/crashed/image")
            try await formatter(bench).withFilesystem(size: .mebibytes(64), spec: VolumeSpec(pool: "rbd")) { outer in
                #expect(try bench.entries(root).count == 1)
                try await formatter(bench).withFilesystem(size: .mebibytes(64), spec: VolumeSpec(pool: "rbd")) { _ in
                    let both = try bench.entries(root)
                    #expect(both.count == 2)
                }
                for try await extent in try await outer.extents() { #expect(!extent.bytes.isEmpty) }
            }
            #expect(try bench.entries(root) == [])
        }
    }

    @Test func badMkfsOptionsAreToldInTheToolsWords() async throws {
        try await LinuxBench.run("format") { bench in
            let spec = VolumeSpec(pool: "rbd", mkfsOptions: ["-O", "no_such_feature"])
            let error = await errorOf {
                try await formatter(bench).withFilesystem(size: .mebibytes(64), spec: spec) {
                    _ = try await $0.extents()
                }
            }
            #expect(error?.code == .invalidOption)
            #expect(error?.why.contains("mkfs.ext4 ended with status 1") == true)
            #expect(error?.why.contains("no_such_feature") == true)
            let left = try bench.entries(bench.scratch.path + "/format")
            #expect(left == [])
        }
    }

    @Test func optionsThatMakeNoFilesystemAreFound() async throws {
        try await LinuxBench.run("format") { bench in
            let spec = VolumeSpec(pool: "rbd", mkfsOptions: ["-n"])
            let error = await errorOf {
                try await formatter(bench).withFilesystem(size: .mebibytes(64), spec: spec) {
                    _ = try await $0.extents()
                }
            }
            #expect(error?.code == .invalidOption)
            #expect(error?.why == "mkfs made no ext4")
        }
    }

    @Test func aRelativeNameAmongTheOptionsReachesNothingOfTheHost() async throws {
        try await LinuxBench.run("format") { bench in
            // In / this would copy the host's /etc into the volume.
            let spec = VolumeSpec(pool: "rbd", mkfsOptions: ["-d", "etc"])
            let error = await errorOf {
                try await formatter(bench).withFilesystem(size: .mebibytes(64), spec: spec) {
                    _ = try await $0.extents()
                }
            }
            #expect(error?.code == .invalidOption)
        }
    }

    @Test func aSizeThatTheScratchFolderCannotHoldIsSaidSo() async throws {
        try await LinuxBench.run("format") { bench in
            let spec = VolumeSpec(pool: "rbd", size: VolumeSize(bytes: UInt64.max))
            let error = await errorOf {
                try await formatter(bench).withFilesystem(size: spec.size, spec: spec) {
                    _ = try await $0.extents()
                }
            }
            #expect(error?.code == .noSpace)
            #expect(error?.remedy.contains("RBD_STATE_DIR") == true)
            let left = try bench.entries(bench.scratch.path + "/format")
            #expect(left == [])
        }
    }
}

import PortContracts
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

/// mkfs on a mapped device, for what no sparse file can be made of.
@Suite struct DeviceMkfsTests {
    @Test("C1: mkfs on a mapped device runs in an empty folder of its own, which goes with it", arguments: [0, 1])
    func c1MkfsRunsInAnEmptyFolder(status: Int32) async throws {
        try await LinuxBench.run("mapped") { bench in
            let seen = Mutex<(folder: String, entries: [String])?>(nil)
            let runner = ScriptedRunner { command in
                let entries = try SystemCall.names(in: command.folder)
                seen.withLock { $0 = (command.folder, entries) }
                return CommandResult(.exited(status))
            }
            let root = bench.scratch.path + "/format"
            let mkfs = DeviceMkfs(runner: runner, kernel: bench.kernel, root: root)
            let error = await errorOf {
                try await mkfs.run(on: "/dev/rbd7", VolumeSpec(pool: "rbd"), to: "make a filesystem")
            }
            #expect((error == nil) == (status == 0))
            let found = try #require(seen.withLock { $0 })
            #expect(found.folder.hasPrefix(root + "/"))
            #expect(found.entries == [])
            #expect(try bench.entries(root) == [])
        }
    }

    @Test(
        "E13: mkfs makes each filesystem on a device with the capabilities that it keeps",
        arguments: FilesystemType.allCases)
    func e13MkfsOnADevice(filesystem: FilesystemType) async throws {
        try await LinuxBench.run("kept") { bench in
            let disk = try await LoopDisk.make(bench)
            let mkfs = DeviceMkfs(runner: bench.runner, kernel: bench.kernel, root: bench.scratch.path + "/format")
            let spec = VolumeSpec(pool: "rbd", size: .mebibytes(512), filesystem: filesystem)
            try await mkfs.run(on: disk.device, spec, to: "make a filesystem")
            #expect(try FilesystemSignature.read(disk.device).found == [filesystem])
        }
    }
}

import Glibc
import Rig
import Testing
import VolumeCore

@testable import RBDDriver

/// With real filesystems on loop devices.
@Suite struct LinuxFilesystemToolsTests {
    private func run(
        _ filesystem: FilesystemType?, _ body: (LinuxBench, LinuxFilesystemTools, LoopDisk) async throws -> Void
    ) async throws {
        try await LinuxBench.run("fs") { bench in
            let disk = try await LoopDisk.make(bench)
            if let filesystem { try await disk.format(bench, filesystem) }
            try await body(bench, LinuxFilesystemTools(runner: bench.runner, kernel: bench.kernel), disk)
        }
    }

    @Test(arguments: FilesystemType.allCases)
    func aNewFilesystemIsSound(_ filesystem: FilesystemType) async throws {
        try await run(filesystem) { _, tools, disk in
            for _ in 1...2 { try await tools.check(disk.device, filesystem) }
        }
    }

    @Test(arguments: FilesystemType.allCases)
    func anotherOrNoFilesystemIsDamagedAndNothingIsChanged(_ filesystem: FilesystemType) async throws {
        let other = FilesystemType.allCases.first { $0 != filesystem }
        for there in [nil, other] {
            try await run(there) { _, tools, disk in
                let error = await failure { try await tools.check(disk.device, filesystem) }
                #expect(error?.code == .damaged)
                #expect(error?.why == FilesystemSignature.lack(of: filesystem, [there].compactMap { $0 }))
                #expect(error?.outcome == .refused)
            }
        }
    }

    @Test func aMountedDeviceIsBusyAndStaysUsable() async throws {
        try await run(.ext4) { bench, tools, disk in
            let folder = try await bench.mountRoot()
            try await bench.tool("mount", disk.device, folder)
            #expect(await failure { try await tools.check(disk.device, .ext4) }?.code == .busy)
            try await bench.tool("touch", folder + "/works")
            try await bench.tool("umount", folder)
            try await tools.check(disk.device, .ext4)
        }
    }

    @Test func aJournalIsReplayedAndSmallErrorsAreRepaired() async throws {
        try await run(.ext4) { bench, tools, disk in
            // A wrong free count is what preen mode repairs by itself.
            try await bench.tool("debugfs", "-w", "-R", "ssv free_blocks_count 1", disk.device)
            try await bench.tool("debugfs", "-w", "-R", "ssv state 2", disk.device)
            try await tools.check(disk.device, .ext4)
            #expect(try await bench.tool("dumpe2fs", "-h", disk.device).contains("Filesystem state:         clean"))
        }
    }

    @Test func whatOnlyAPersonCanDecideIsDamaged() async throws {
        try await run(.ext4) { bench, tools, disk in
            // A root directory that is a file.
            try await bench.tool("debugfs", "-w", "-R", "sif <2> mode 0100644", disk.device)
            try await bench.tool("debugfs", "-w", "-R", "ssv state 2", disk.device)
            let error = await failure { try await tools.check(disk.device, .ext4) }
            #expect(error?.code == .damaged)
            #expect(error?.why.contains("e2fsck ended with status 4") == true)
            #expect(error?.why.contains("UNEXPECTED INCONSISTENCY") == true)
        }
    }

    @Test(arguments: [2, 8, 12, 32])
    func otherVerdictsNeverCountAsSound(_ status: Int32) async throws {
        try await run(.ext4) { bench, _, disk in
            let runner = ScriptedRunner { _ in CommandResult(.exited(status), errors: "words") }
            let tools = LinuxFilesystemTools(runner: runner, kernel: bench.kernel)
            let error = await failure { try await tools.check(disk.device, .ext4) }
            #expect(error?.code == (status == 2 ? .unfinished : .unavailable))
            #expect(error?.why.contains("e2fsck ended with status \(status): words") == true)
            #expect(runner.lines == ["e2fsck -p \(disk.device)"])
        }
    }

    @Test func aDeviceThatIsNotThereIsAnError() async throws {
        try await run(nil) { _, tools, _ in
            let error = await failure { try await tools.check("/dev/no-such-device", .ext4) }
            #expect(error?.why.contains("No such file or directory") == true)
        }
    }

    /// Lends a mounted filesystem on a device that has just become twice as large.
    private func grown(
        _ filesystem: FilesystemType,
        _ body: (LinuxFilesystemTools, LoopDisk, String, _ blocks: () async throws -> Int) async throws -> Void
    ) async throws {
        try await run(filesystem) { bench, tools, disk in
            let root = try await bench.mountRoot()
            try await bench.tool("mount", "-t", filesystem.rawValue, disk.device, root)
            func blocks() async throws -> Int {
                Int(try await bench.tool("stat", "-f", "-c", "%b", root).split(separator: "\n")[0]) ?? 0
            }
            let before = try await blocks()
            try await tools.grow(disk.device, filesystem, mountpoint: root)
            #expect(try await blocks() == before)
            try await disk.grow(bench, to: .mebibytes(1024))
            try await body(tools, disk, root, blocks)
            try await bench.tool("umount", root)
            try await tools.check(disk.device, filesystem)
        }
    }

    @Test(arguments: [FilesystemType.xfs, .btrfs])
    func aMountedFilesystemGrowsWithItsDevice(_ filesystem: FilesystemType) async throws {
        try await grown(filesystem) { tools, disk, root, blocks in
            let before = try await blocks()
            try await tools.grow(disk.device, filesystem, mountpoint: root)
            #expect(try await blocks() > before * 3 / 2)
        }
    }

    /// ext4 asks for a capability that root does not have everywhere: then the error has to name it.
    @Test func mountedExt4GrowsOrTheMissingCapabilityIsNamed() async throws {
        try await grown(.ext4) { tools, disk, root, blocks in
            let before = try await blocks()
            let error = await failure { try await tools.grow(disk.device, .ext4, mountpoint: root) }
            if try Capability.sysResource.isHeld() {
                #expect(error == nil)
                #expect(try await blocks() > before * 3 / 2)
            } else {
                #expect(error?.code == .unsupported)
                #expect(error?.why.contains("CAP_SYS_RESOURCE") == true)
                #expect(try await blocks() == before)
            }
        }
    }

    @Test func capabilitiesAreReadFromTheStatus() {
        #expect(Capability.sysResource.isHeld(in: "Name:\tx\nCapPrm:\t0\nCapEff:\t0000000001000000\n"))
        #expect(!Capability.sysResource.isHeld(in: "CapPrm:\t0000000001000000\nCapEff:\t000001fffeffffff\n"))
        #expect(!Capability.sysResource.isHeld(in: ""))
    }
}

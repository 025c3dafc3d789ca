import Glibc
import PortContracts
import RBDDriver
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

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
                let error = await errorOf { try await tools.check(disk.device, filesystem) }
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
            #expect(await errorOf { try await tools.check(disk.device, .ext4) }?.code == .busy)
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
            let error = await errorOf { try await tools.check(disk.device, .ext4) }
            #expect(error?.code == .damaged)
            #expect(error?.why.contains("e2fsck ended with status 4") == true)
            #expect(error?.why.contains("UNEXPECTED INCONSISTENCY") == true)
        }
    }

    @Test("No e2fsck is started for a clean ext4, and one is as soon as there is a reason")
    func e2fsckNeedsAReason() async throws {
        try await run(.ext4) { bench, _, disk in
            let runner = ScriptedRunner { _ in CommandResult(.exited(0)) }
            let tools = LinuxFilesystemTools(runner: runner, kernel: bench.kernel)
            try await tools.check(disk.device, .ext4)
            let folder = try await bench.mountRoot()
            try await bench.tool("mount", disk.device, folder)
            try await bench.tool("touch", folder + "/file")
            try await bench.tool("umount", folder)
            try await tools.check(disk.device, .ext4)
            #expect(runner.lines == [])
            try await bench.tool("tune2fs", "-c", "5", "-C", "5", disk.device)
            try await tools.check(disk.device, .ext4)
            #expect(runner.lines == ["e2fsck -p -C 1 \(disk.device)"])
        }
    }

    @Test("A verdict that nobody has heard comes before what the repaired filesystem says of itself")
    func unheardVerdictComesFirst() async throws {
        try await run(.ext4) { bench, _, disk in
            try await bench.tool("tune2fs", "-c", "5", "-C", "5", disk.device)
            let isHeld = Mutex(true)
            let runner = ScriptedRunner { _ in
                while isHeld.withLock({ $0 }) { usleep(1000) }
                return CommandResult(.exited(2), errors: "words")
            }
            let tools = LinuxFilesystemTools(runner: runner, kernel: bench.kernel, timeout: .milliseconds(500))
            #expect(await errorOf { try await tools.check(disk.device, .ext4) }?.code == .checking)
            try await bench.tool("tune2fs", "-c", "0", disk.device)
            isHeld.withLock { $0 = false }
            try await eventually("the check to end") { try await !tools.isChecking(disk.device) }
            #expect(await errorOf { try await tools.check(disk.device, .ext4) }?.code == .unfinished)
            try await tools.check(disk.device, .ext4)
            #expect(runner.lines.count == 1)
        }
    }

    @Test(arguments: [2, 8, 12, 32])
    func otherVerdictsNeverCountAsSound(_ status: Int32) async throws {
        try await run(.ext4) { bench, _, disk in
            try await bench.tool("tune2fs", "-c", "5", "-C", "5", disk.device)
            let runner = ScriptedRunner { _ in CommandResult(.exited(status), errors: "words") }
            let tools = LinuxFilesystemTools(runner: runner, kernel: bench.kernel)
            let error = await errorOf { try await tools.check(disk.device, .ext4) }
            #expect(error?.code == (status == 2 ? .unfinished : .unavailable))
            #expect(error?.why.contains("e2fsck ended with status \(status): words") == true)
            #expect(runner.lines == ["e2fsck -p -C 1 \(disk.device)"])
        }
    }

    @Test("B9: a check goes on beyond the call and its cancellation, tells how far it is, and is never begun twice")
    func b9AChecksGoesOnBeyondTheCall() async throws {
        try await run(.ext4) { bench, _, disk in
            // Without checksums, only e2fsck judges it.
            try await bench.tool("mkfs.ext4", "-q", "-F", "-O", "^metadata_csum", disk.device)
            let checker = try SlowE2fsck(in: bench.scratch.path)
            try checker.hold()
            let runner = ChildProcess(
                clock: SystemClock(), searchPath: SearchPath.standard.preceded(by: checker.folder))
            let tools = LinuxFilesystemTools(runner: runner, kernel: bench.kernel, timeout: .seconds(1))
            let call = Task { await errorOf { try await tools.check(disk.device, .ext4) } }
            try await eventually("the check to begin") { try checker.starts == 1 }
            call.cancel()
            #expect(await call.value?.code == .checking)
            for _ in 1...2 {
                let error = await errorOf { try await tools.check(disk.device, .ext4) }
                #expect(error?.code == .checking)
                #expect(error?.why == "the filesystem is being checked, 35 % done")
            }
            // A plugin that was started anew knows nothing of it but what the kernel says.
            let restarted = LinuxFilesystemTools(runner: runner, kernel: bench.kernel, timeout: .seconds(1))
            let error = await errorOf { try await restarted.check(disk.device, .ext4) }
            #expect(error?.code == .checking)
            #expect(error?.why.contains("an earlier run of the plugin") == true)
            #expect(try await restarted.isChecking(disk.device))
            #expect(try checker.starts == 1)
            try checker.letGo()
            try await eventually("the check to end") { try await !restarted.isChecking(disk.device) }
            try await tools.check(disk.device, .ext4)
            #expect(try checker.starts == 1)
            try await tools.check(disk.device, .ext4)
            #expect(try checker.starts == 2)
        }
    }

    @Test("B9: what a long check found is told to the first who asks")
    func b9TheVerdictIsNotLost() async throws {
        try await run(.ext4) { bench, _, disk in
            try await bench.tool("debugfs", "-w", "-R", "sif <2> mode 0100644", disk.device)
            try await bench.tool("debugfs", "-w", "-R", "ssv state 2", disk.device)
            let checker = try SlowE2fsck(in: bench.scratch.path)
            try checker.hold()
            let runner = ChildProcess(
                clock: SystemClock(), searchPath: SearchPath.standard.preceded(by: checker.folder))
            let tools = LinuxFilesystemTools(runner: runner, kernel: bench.kernel, timeout: .milliseconds(500))
            #expect(await errorOf { try await tools.check(disk.device, .ext4) }?.code == .checking)
            try checker.letGo()
            try await eventually("the check to end") { try await !tools.isChecking(disk.device) }
            let error = await errorOf { try await tools.check(disk.device, .ext4) }
            #expect(error?.code == .damaged)
            #expect(error?.why.contains("UNEXPECTED INCONSISTENCY") == true)
            // The progress is no part of what e2fsck says.
            #expect(error?.why.contains("50 100") == false)
            #expect(try checker.starts == 1)
        }
    }

    @Test("B9: the progress of e2fsck in per cent")
    func b9Progress() {
        #expect(E2fsckProgress("").percent == nil)
        #expect(E2fsckProgress("1 0 8 /dev/a\n1 4 8 /dev/a\n").percent == 35)
        #expect(E2fsckProgress("1 8 8 /dev/a\n2 1 2 /dev/a\ncut").percent == 80)
        #expect(E2fsckProgress("5 2 2 /dev/a\n").percent == 100)
        #expect(
            E2fsckProgress("/dev/a: recovering journal\n1 4 8 /dev/a\nclean, 11/128 files").words
                == "/dev/a: recovering journal\nclean, 11/128 files")
    }

    @Test func aDeviceThatIsNotThereIsAnError() async throws {
        try await run(nil) { _, tools, _ in
            let error = await errorOf { try await tools.check("/dev/no-such-device", .ext4) }
            #expect(error?.why.contains("No such file or directory") == true)
        }
    }

    /// As at the plugin's end: what is frozen by then is thawed, and what is not stays writable.
    @Test func cancelledTasksLeaveNothingFrozen() async throws {
        try await run(.ext4) { bench, tools, disk in
            let root = try await bench.mountRoot()
            try await bench.tool("mount", disk.device, root)
            let cancelled = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await errorOf { try await tools.freeze(disk.device, mountpoint: root, atMost: .seconds(60)) }
            }
            #expect(await cancelled.value?.why.contains("cancelled") == true)
            try await bench.tool("touch", root + "/not-frozen")

            try await tools.freeze(disk.device, mountpoint: root, atMost: .seconds(60))
            let thawed = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await tools.thaw(disk.device, mountpoint: root)
            }
            #expect(try await thawed.value)
            try await bench.tool("touch", root + "/thawed")
            try await bench.tool("umount", root)
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
            let error = await errorOf { try await tools.grow(disk.device, .ext4, mountpoint: root) }
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

import Glibc
import MountInfo
import PortContracts
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

/// With real filesystems on loop devices.
@Suite struct LinuxMounterTests {
    /// Lends a mounter, its root, and a disk with a filesystem.
    private func run(
        _ filesystem: FilesystemType? = .ext4, _ body: (LinuxBench, LinuxMounter, String, LoopDisk) async throws -> Void
    ) async throws {
        try await LinuxBench.run("mount") { bench in
            let root = try await bench.mountRoot()
            let disk = try await LoopDisk.make(bench)
            if let filesystem { try await disk.format(bench, filesystem) }
            let mounter = try LinuxMounter(runner: bench.runner, kernel: bench.kernel, root: root)
            try await body(bench, mounter, root, disk)
        }
    }

    private let plain = VolumeSpec(pool: "rbd")

    @Test(arguments: FilesystemType.allCases)
    func aMountedVolumeKeepsItsFiles(_ filesystem: FilesystemType) async throws {
        try await run(filesystem) { bench, mounter, root, disk in
            let mountpoint = root + "/my volume,x"
            try await mounter.mount(disk.device, at: mountpoint, filesystem, options: ["noatime"])
            #expect(
                try await mounter.mounted(at: mountpoint)
                    == MountedFilesystem(device: disk.device, filesystem: filesystem.rawValue, readOnly: false))
            try await bench.tool("touch", mountpoint + "/kept")
            try await mounter.unmount(mountpoint)
            #expect(try bench.entries(root) == [])
            try await mounter.mount(disk.device, at: mountpoint, filesystem, options: ["ro"])
            #expect(try await mounter.mounted(at: mountpoint)?.readOnly == true)
            #expect(try bench.entries(mountpoint).contains("kept"))
            try await mounter.prepareRoot(of: mountpoint, spec: VolumeSpec(pool: "rbd", uid: 7, mode: 0o700))
            #expect(try bench.entries(mountpoint).contains("lost+found") == (filesystem == .ext4))
            try await mounter.unmount(mountpoint)
            try await mounter.unmount(mountpoint)
        }
    }

    @Test("C2: a filesystem that demands a panic of the host at its first error is mounted to go read-only instead")
    func c2APanicInTheSuperblockIsOverruled() async throws {
        try await run { bench, mounter, root, disk in
            try await bench.tool("tune2fs", "-e", "panic", disk.device)
            for (given, shown) in [([], "errors=remount-ro"), (["errors=continue"], "errors=continue")] {
                try await mounter.mount(disk.device, at: root + "/v", .ext4, options: given)
                let options = try await bench.tool("findmnt", "-n", "-o", "OPTIONS", root + "/v")
                #expect(options.contains(shown), "\(options)")
                #expect(!options.contains("errors=panic"))
                try await mounter.unmount(root + "/v")
            }
        }
    }

    @Test func mountingTwiceIsMountedOnce() async throws {
        try await run { bench, mounter, root, disk in
            for _ in 1...2 { try await mounter.mount(disk.device, at: root + "/v", .ext4, options: []) }
            #expect(try MountTable.read().entries.filter { $0.mountpoint == root + "/v" }.count == 1)
            let other = try await LoopDisk.make(bench)
            try await other.format(bench, .ext4)
            let error = await errorOf {
                try await mounter.mount(other.device, at: root + "/v", .ext4, options: [])
            }
            #expect(error?.code == .conflict)
            #expect(try await mounter.mounted(at: root + "/v")?.device == disk.device)
            try await mounter.unmount(root + "/v")
        }
    }

    @Test func stackedMountsAllGo() async throws {
        try await run { bench, mounter, root, disk in
            try await mounter.mount(disk.device, at: root + "/v", .ext4, options: [])
            try await bench.tool("mount", "-t", "tmpfs", "none", root + "/v")
            #expect(try await mounter.mounted(at: root + "/v")?.filesystem == "tmpfs")
            try await mounter.unmount(root + "/v")
            #expect(try await mounter.mounted(at: root + "/v") == nil)
            #expect(try bench.entries(root) == [])
        }
    }

    @Test func anOpenFileMakesUnmountBusyAndNamesItsUser() async throws {
        try await run { bench, mounter, root, disk in
            try await mounter.mount(disk.device, at: root + "/v", .ext4, options: [])
            let file = open(root + "/v/file", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
            let error = await errorOf { try await mounter.unmount(root + "/v") }
            #expect(error?.code == .busy)
            #expect(error?.why.contains("(process \(getpid()))") == true)
            #expect(Glibc.write(file, "still works", 11) == 11)
            #expect(try await mounter.mounted(at: root + "/v")?.device == disk.device)
            close(file)
            try await mounter.unmount(root + "/v")
        }
    }

    @Test func whatIsInUseForAMomentIsUnmounted() async throws {
        try await run { bench, _, root, disk in
            let file = LetGoOf(root + "/v/file")
            let runner = AfterFirstUnmount(real: bench.runner) { file.close() }
            let mounter = try LinuxMounter(runner: runner, kernel: bench.kernel, root: root)
            try await mounter.mount(disk.device, at: root + "/v", .ext4, options: [])
            file.open()
            try await mounter.unmount(root + "/v")
            #expect(try await mounter.mounted(at: root + "/v") == nil)
            #expect(!file.isOpen)
        }
    }

    @Test(arguments: ["../victim", "a/../../victim", "", "v/"])
    func nothingOutsideTheRootIsEverTouched(_ name: String) async throws {
        try await run { bench, mounter, root, disk in
            let victim = bench.scratch.path + "/victim"
            try await bench.tool("mkdir", victim)
            try await bench.tool("mount", disk.device, victim)
            for mountpoint in [root + "/" + name, victim] {
                #expect(await errorOf { try await mounter.unmount(mountpoint) }?.code == .invalidName)
                #expect(
                    await errorOf { try await mounter.mount(disk.device, at: mountpoint, .ext4, options: []) }?.code
                        == .invalidName)
                #expect(
                    await errorOf { try await mounter.prepareRoot(of: mountpoint, spec: plain) }?.code == .invalidName)
            }
            #expect(await errorOf { _ = try await mounter.mounted(at: root + "/" + name) }?.code == .invalidName)
            try await mounter.unmount(victim, of: "/dev/rbd4711")
            #expect(try MountTable.read().topmost(at: victim)?.source == disk.device)
            #expect(try bench.entries(victim) == ["lost+found"])
            try await bench.tool("umount", victim)
        }
    }

    @Test("B6: outside of the root nothing but the mount of the very device that is named is taken away")
    func b6AMountElsewhereIsTakenAway() async throws {
        try await run { bench, mounter, root, disk in
            let other = bench.scratch.path + "/former"
            try await bench.tool("mkdir", other)
            let former = try LinuxMounter(runner: bench.runner, kernel: bench.kernel, root: other)
            let mountpoint = other + "/v"
            try await former.mount(disk.device, at: mountpoint, .ext4, options: [])
            #expect(try await mounter.mounted(at: mountpoint)?.device == disk.device)
            #expect(try await mounter.mountpoints(of: disk.device) == [mountpoint])
            // Something is mounted over it: neither goes.
            try await bench.tool("mount", "-t", "tmpfs", "none", mountpoint)
            #expect(await errorOf { try await mounter.unmount(mountpoint, of: disk.device) }?.code == .busy)
            try await bench.tool("umount", mountpoint)

            let file = open(mountpoint + "/file", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
            #expect(await errorOf { try await mounter.unmount(mountpoint, of: disk.device) }?.code == .busy)
            close(file)
            try await mounter.unmount(mountpoint, of: disk.device)
            #expect(try await mounter.mountpoints(of: disk.device) == [])
            #expect(try bench.entries(other) == [], "the folder was the plugin's")
            try await mounter.unmount(mountpoint, of: disk.device)
            #expect(try await mounter.mounted(at: bench.scratch.path + "/never/v") == nil)
        }
    }

    @Test func aLinkInPlaceOfTheMountpointIsNotFollowed() async throws {
        try await run { bench, mounter, root, disk in
            let victim = bench.scratch.path + "/victim"
            try await bench.tool("mkdir", victim)
            try await bench.tool("ln", "-s", victim, root + "/v")
            let error = await errorOf {
                try await mounter.mount(disk.device, at: root + "/v", .ext4, options: [])
            }
            #expect(error?.code == .unexplained)
            #expect(try MountTable.read().topmost(at: victim) == nil)
            try await bench.tool("mount", disk.device, victim)
            try await mounter.unmount(root + "/v")
            #expect(try MountTable.read().topmost(at: victim) != nil)
            #expect(await errorOf { try await mounter.prepareRoot(of: root + "/v", spec: plain) } != nil)
            #expect(try bench.entries(victim) == ["lost+found"])
            try await bench.tool("umount", victim)
            #expect(try bench.entries(root) == ["v"])
        }
    }

    @Test func aRootThatIsALinkIsSeenThrough() async throws {
        try await run { bench, _, root, disk in
            let link = bench.scratch.path + "/link"
            try await bench.tool("ln", "-s", root, link)
            let mounter = try LinuxMounter(runner: bench.runner, kernel: bench.kernel, root: link)
            try await mounter.mount(disk.device, at: link + "/v", .ext4, options: [])
            #expect(try await mounter.mounted(at: link + "/v")?.device == disk.device)
            try await mounter.unmount(link + "/v")
            #expect(try MountTable.read().topmost(at: root + "/v") == nil)
        }
    }

    @Test func aDeviceThatIsReadOnlyIsMountedSo() async throws {
        try await run { bench, mounter, root, disk in
            try await bench.tool("blockdev", "--setro", disk.device)
            try await mounter.mount(disk.device, at: root + "/v", .ext4, options: [])
            #expect(try await mounter.mounted(at: root + "/v")?.readOnly == true)
            try await mounter.unmount(root + "/v")
            // It stays with the loop device otherwise.
            try await bench.tool("blockdev", "--setrw", disk.device)
        }
    }

    /// What the tool makes of the same words is what their users know. Of `noatime,relatime` the tool itself makes different
    /// things in different releases.
    @Test(arguments: [
        "", "ro", "noatime,nodev", "nosuid,noexec,sync", "defaults,discard,nofail,_netdev", "ro,rw,noatime,atime",
        "user,exec", "owner", "strictatime,lazytime,dirsync", "relatime,nodiratime,data=ordered",
        "noatime,nosymfollow,commit=7,errors=remount-ro", "iversion,async,loud,users,suid",
    ])
    func optionsMeanWhatTheyMeanToTheTool(_ options: String) async throws {
        try await run { bench, mounter, root, disk in
            try await bench.tool("mkdir", root + "/v")
            try await bench.tool("mount", "-i", "-o", "defaults," + options, disk.device, root + "/v")
            let expected = try await bench.tool("findmnt", "-n", "-o", "OPTIONS", root + "/v")
            try await bench.tool("umount", root + "/v")
            try await mounter.mount(
                disk.device, at: root + "/v", .ext4, options: options.split(separator: ",").map(String.init))
            #expect(try await bench.tool("findmnt", "-n", "-o", "OPTIONS", root + "/v") == expected)
            try await mounter.unmount(root + "/v")
        }
    }

    @Test func filesInTheWayOfTheMountpointAreKept() async throws {
        try await run(nil) { bench, mounter, root, disk in
            try await bench.tool("mkdir", root + "/v")
            try await bench.tool("touch", root + "/v/precious")
            #expect(await errorOf { try await mounter.mount(disk.device, at: root + "/v", .ext4, options: []) } != nil)
            try await mounter.unmount(root + "/v")
            #expect(try bench.entries(root + "/v") == ["precious"])
        }
    }

    @Test func aBlankDiskIsDamagedAndLeavesNoFolder() async throws {
        try await run(nil) { bench, mounter, root, disk in
            let error = await errorOf {
                try await mounter.mount(disk.device, at: root + "/v", .xfs, options: [])
            }
            #expect(error?.code == .damaged)
            #expect(error?.why.contains("it has no xfs") == true)
            #expect(error?.why.contains("status \(EINVAL): cannot mount \(disk.device): ") == true)
            let left = try bench.entries(root)
            #expect(left == [])
        }
    }

    @Test func anUnknownMountOptionIsNamed() async throws {
        try await run { bench, mounter, root, disk in
            let error = await errorOf {
                try await mounter.mount(disk.device, at: root + "/v", .ext4, options: ["nosuchoption"])
            }
            #expect(error?.code == .invalidOption)
            #expect(error?.why.contains("Invalid argument; ext4 may not know all options of 'nosuchoption'") == true)
            let left = try bench.entries(root)
            #expect(left == [])
        }
    }

    @Test func theRootIsPreparedForADatabase() async throws {
        try await run { bench, mounter, root, disk in
            let mountpoint = root + "/v"
            try await mounter.mount(disk.device, at: mountpoint, .ext4, options: [])
            let spec = VolumeSpec(pool: "rbd", uid: 999, gid: 998, mode: 0o2750)
            for _ in 1...2 { try await mounter.prepareRoot(of: mountpoint, spec: spec) }
            #expect(try bench.entries(mountpoint) == [])
            #expect(try await bench.tool("stat", "-c", "%u %g %a", mountpoint) == "999 998 2750\n")
            try await mounter.prepareRoot(of: mountpoint, spec: plain)
            #expect(try await bench.tool("stat", "-c", "%u %g %a", mountpoint) == "999 998 2750\n")
            try await bench.tool("mkdir", mountpoint + "/lost+found")
            try await bench.tool("touch", mountpoint + "/lost+found/rescued")
            try await mounter.prepareRoot(of: mountpoint, spec: plain)
            #expect(try bench.entries(mountpoint) == ["lost+found"])
            try await mounter.unmount(mountpoint)
            #expect(await errorOf { try await mounter.prepareRoot(of: mountpoint, spec: spec) } != nil)
        }
    }

    @Test func aMountThatGaveNoAnswerIsReadBack() async throws {
        try await run { bench, _, root, disk in
            // mount(2) does its work, and then the answer is lost.
            let real = bench.runner
            let forgetful = AnswerLosing(real: real)
            let mounter = try LinuxMounter(runner: forgetful, kernel: bench.kernel, root: root)
            try await mounter.mount(disk.device, at: root + "/v", .ext4, options: [])
            #expect(try await mounter.mounted(at: root + "/v")?.device == disk.device)
            try await mounter.unmount(root + "/v")
            #expect(try bench.entries(root) == [])
        }
    }

    @Test func argumentsCannotBecomeOptions() async throws {
        try await LinuxBench.run("mount") { bench in
            let root = try await bench.mountRoot()
            let runner = ScriptedRunner()
            let mounter = try LinuxMounter(runner: runner, kernel: bench.kernel, root: root)
            try await mounter.mount("/dev/rbd0", at: root + "/-v", .xfs, options: ["nouuid", "noatime"])
            let flags = "\(MS_NOATIME)"
            #expect(runner.seen.map(\.arguments) == [["mount", "/dev/rbd0", root + "/-v", "xfs", flags, "nouuid"]])
            #expect(
                await errorOf { try await mounter.mount("rbd0", at: root + "/v", .xfs, options: []) }?.outcome
                    == .refused)
        }
    }
}

/// Runs commands for real and then says that their outcome is not known.
private struct AnswerLosing: CommandRunner {
    let real: ChildProcess

    func run(
        _ command: Command, to what: String, onLate: (@Sendable (CommandResult) async -> Void)?
    ) async throws -> CommandResult {
        _ = try await real.run(command, to: what, onLate: onLate)
        throw VolumeError(.timedOut, what, why: "no answer", outcome: .unknown)
    }

    func hold(_ command: Command, to what: String, within limit: Duration) async throws -> any HeldCommand {
        try await real.hold(command, to: what, within: limit)
    }
}

/// Does something after the first attempt to unmount, whatever came of that.
private struct AfterFirstUnmount: CommandRunner {
    let real: ChildProcess
    let then: @Sendable () -> Void

    func run(
        _ command: Command, to what: String, onLate: (@Sendable (CommandResult) async -> Void)?
    ) async throws -> CommandResult {
        let result = try await real.run(command, to: what, onLate: onLate)
        if command.arguments.first == "unmount" { then() }
        return result
    }

    func hold(_ command: Command, to what: String, within limit: Duration) async throws -> any HeldCommand {
        try await real.hold(command, to: what, within: limit)
    }
}

/// A file that is held open for a while.
private final class LetGoOf: Sendable {
    private let path: String
    private let descriptor = Mutex<CInt?>(nil)

    init(_ path: String) { self.path = path }

    var isOpen: Bool { descriptor.withLock { $0 != nil } }

    func open() { descriptor.withLock { $0 = Glibc.open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600) } }

    func close() {
        if let file = descriptor.withLock({ $0.take() }) { _ = Glibc.close(file) }
    }
}

import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// Programs that are run out of sight of what is mounted from loop devices, by `rbd-plugin-kernel`.
@Suite struct ApartTests {
    /// Two filesystems, each mounted from a loop device.
    private func mounted(_ body: (LinuxBench, (shown: Mounted, hidden: Mounted)) async throws -> Void) async throws {
        try await LinuxBench.run("apart") { bench in
            var mounted: [Mounted] = []
            for name in ["shown here", "hidden"] {
                let disk = try await LoopDisk.make(bench, .mebibytes(64))
                try await disk.format(bench, .ext4)
                let mountpoint = "\(bench.scratch.path)/mounts/\(name)"
                try await bench.tool("mkdir", "-p", mountpoint)
                try await bench.tool("mount", disk.device, mountpoint)
                mounted.append(Mounted(device: disk.device, mountpoint: mountpoint))
            }
            try await body(bench, (mounted[0], mounted[1]))
        }
    }

    private func mounts(seenBy bench: LinuxBench, apart: Bool = true, naming words: [String]) async throws -> String {
        // The words are the script's own arguments, and make nothing of themselves.
        let script = ["-c", "cat /proc/self/mountinfo", "sh"]
        var command = Command(Tool("sh", package: "dash"), script + words)
        command.isApart = apart
        return try await bench.runner.succeed(command, to: "look at mounts").output
    }

    @Test func mountsOfLoopDevicesAreNotSeen() async throws {
        try await mounted { bench, disks in
            let all = try await mounts(seenBy: bench, apart: false, naming: [])
            #expect(all.contains(disks.shown.device) && all.contains(disks.hidden.device))
            let seen = try await mounts(seenBy: bench, naming: [])
            #expect(!seen.contains("/dev/loop"))
            let others = all.split(separator: "\n").filter { !$0.contains("/dev/loop") }
            #expect(seen.split(separator: "\n").count == others.count)
            // They are the program's alone.
            let after = try await mounts(seenBy: bench, apart: false, naming: [])
            #expect(after == all)
        }
    }

    @Test func mountsThatHoldAnArgumentStay() async throws {
        try await mounted { bench, disks in
            let words = [disks.shown.mountpoint + "/some/file", disks.hidden.mountpoint + "beside"]
            let seen = try await mounts(seenBy: bench, naming: words)
            #expect(seen.contains(disks.shown.device) && !seen.contains(disks.hidden.device))
        }
    }

    @Test func mountsOfADeviceThatIsAnArgumentStay() async throws {
        try await mounted { bench, disks in
            let seen = try await mounts(seenBy: bench, naming: ["-x", disks.shown.device])
            #expect(seen.contains(disks.shown.device) && !seen.contains(disks.hidden.device))
        }
    }

    @Test func whatItSaysAndHowItEndsIsTheProgramsOwn() async throws {
        try await LinuxBench.run("apart") { bench in
            var command = Command(
                Tool("sh", package: "dash"), ["-c", "echo out; echo err >&2; pwd; exit 7"], folder: bench.scratch.path)
            command.isApart = true
            let result = try await bench.runner.run(command, to: "say something")
            #expect(result.exitStatus == 7)
            #expect(result.output == "out\n\(bench.scratch.path)\n" && result.errors == "err\n")
        }
    }
}

private struct Mounted {
    let device: String
    let mountpoint: String
}

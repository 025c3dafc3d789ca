import Glibc
import RealParts
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct LoopDevicesTests {
    private func run(_ body: (LinuxBench, LoopDevices, LoopDisk) async throws -> Void) async throws {
        try await LinuxBench.run("loop") { bench in
            let loops = LoopDevices(runner: bench.runner, kernel: bench.kernel)
            try await body(bench, loops, try await LoopDisk.make(bench))
        }
    }

    @Test func aDeviceIsGivenBackOnce() async throws {
        try await run { bench, loops, disk in
            for _ in 1...2 { try await loops.detach(disk.device, of: disk.file, to: "test") }
            #expect(try await loops.devices(of: disk.file, for: "test") == [])
        }
    }

    /// Numbers of devices are used again at once, by this plugin and by others.
    @Test(arguments: ["detach", "detach-with-last-mount"])
    func aDeviceThatIsAnotherFilesByNowIsLeftAlone(_ verb: String) async throws {
        try await run { bench, loops, disk in
            try await disk.format(bench, .ext4)
            let root = try await bench.mountRoot()
            try await bench.tool("mount", disk.device, root)
            let former = disk.file + ".former"
            let result = try await bench.runner.run(Command(.kernel, [verb, disk.device, former]), to: "test")
            #expect(result.exitStatus == ENXIO)
            try await bench.tool("umount", root)
            #expect(try await loops.devices(of: disk.file, for: "test") == [disk.device])
        }
    }

    @Test func onlyAMountedDeviceGoesWithItsLastMount() async throws {
        try await run { bench, loops, disk in
            try await disk.format(bench, .ext4)
            let request = Command(.kernel, ["detach-with-last-mount", disk.device, disk.file])
            try await bench.runner.succeed(request, to: "test")
            #expect(try await loops.devices(of: disk.file, for: "test") == [disk.device])
            let root = try await bench.mountRoot()
            try await bench.tool("mount", disk.device, root)
            try await bench.runner.succeed(request, to: "test")
            #expect(try await loops.devices(of: disk.file, for: "test") == [disk.device])
            try await bench.tool("umount", root)
            try await waitUntil { try await loops.devices(of: disk.file, for: "test") == [] }
        }
    }
}

import Glibc
import PortContracts
import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// That limits hold: on real Ceph, with this machine's control groups.
///
/// A limit is an upper bound, so a test may say how long something takes at least, and nothing else about time.
@Suite struct LimitedVolumeTests {
    private struct Bench {
        let linux: LinuxBench
        let devices: [MappedDevice]

        var limiter: ControlGroupLimiter { ControlGroupLimiter(kernel: linux.kernel) }

        func copy(_ words: String...) async throws {
            try await runTool("dd", ["status=none"] + words, within: .seconds(120)).checked()
        }

        /// How much was written to the device since the host's start.
        func written(to device: MappedDevice) throws -> UInt64 {
            let numbers = try SmallFile.read("/sys/block/\(device.path.dropFirst("/dev/".count))/stat")
                .split(whereSeparator: \.isWhitespace)
            return try #require(UInt64(numbers[6])) << 9
        }
    }

    private func run(devices count: Int = 1, _ body: (Bench) async throws -> Void) async throws {
        try await LinuxBench.run("limits") { linux in
            let ceph = CephRig(linux.environment)
            let files = CephClientFiles(
                confPath: linux.environment.cephConf, user: linux.environment.cephUser,
                keyringPath: linux.environment.cephKeyring)
            let mapper = try FuseMapper(
                files: files, stateFolder: linux.scratch.path, runner: linux.runner, kernel: linux.kernel
            ) { image in
                WatchedImage(
                    id: try await ceph.imageID(of: image.name, in: image.pool),
                    watchers: try await ceph.watchers(of: image.name, in: image.pool).compactMap(ClientAddress.init))
            }
            var devices: [MappedDevice] = []
            for _ in 0..<count {
                let image = ImageReference(pool: linux.environment.pool, name: uniqueName("limited"))
                try await ceph.rbd("create", "--size", "64M", "\(image)")
                devices.append(try await mapper.map(image, id: nil, options: []))
            }
            let bench = Bench(linux: linux, devices: devices)
            var failure: (any Error)?
            do { try await body(bench) } catch { failure = error }
            for device in devices {
                try await bench.limiter.limit(device, to: .none)
                try await mapper.unmap(device)
                try await ceph.removeImage(device.image.name, in: device.image.pool)
            }
            if let failure { throw failure }
        }
    }

    @Test(
        "Writes are no faster than their limit, past the page cache and through it", arguments: ["direct", "buffered"])
    func writesAreLimited(_ way: String) async throws {
        try await run { bench in
            try await bench.limiter.limit(bench.devices[0], to: IOLimits(writeBPS: 1 << 20))
            let took = try await ContinuousClock().measure {
                try await bench.copy(
                    "if=/dev/zero", "of=\(bench.devices[0].path)", "bs=1M", "count=8",
                    way == "direct" ? "oflag=direct" : "conv=fsync")
            }
            #expect(took > .seconds(6))
        }
    }

    @Test func readsAreLimitedByOperations() async throws {
        try await run { bench in
            try await bench.limiter.limit(bench.devices[0], to: IOLimits(readIOPS: 50))
            let took = try await ContinuousClock().measure {
                try await bench.copy(
                    "if=\(bench.devices[0].path)", "of=/dev/null", "bs=4k", "count=300", "iflag=direct")
            }
            #expect(took > .seconds(4))
        }
    }

    /// With its first limit, the writing would take minutes.
    @Test func limitsChangeWhileAProcessWrites() async throws {
        try await run { bench in
            let device = bench.devices[0]
            let before = try bench.written(to: device)
            try await bench.limiter.limit(device, to: IOLimits(writeBPS: 16 << 10))
            async let writing: Void = bench.copy(
                "if=/dev/zero", "of=\(device.path)", "bs=4k", "count=1024", "oflag=direct")
            try await waitUntil { try bench.written(to: device) > before }
            try await bench.copy("if=\(device.path)", "of=/dev/null", "bs=1M", "count=8", "iflag=direct")
            #expect(
                try bench.written(to: device) < before + (4 << 20), "reads do not wait for writes that are held back")
            try await bench.limiter.limit(device, to: .none)
            try await writing
            #expect(try LimitsInForce.of(device.path) == .none)
        }
    }

    @Test func aFrozenDaemonHoldsUpItsOwnDeviceAlone() async throws {
        try await run(devices: 2) { bench in
            let (frozen, other) = (bench.devices[0], bench.devices[1])
            let daemons = bench.linux.scratch.kernelState.exports.filter { daemon in
                daemon.arguments.contains { $0.contains(frozen.image.name) }
            }
            #expect(daemons.count == 1)
            for daemon in daemons { kill(daemon.pid, SIGSTOP) }
            async let writing: Void = bench.copy(
                "if=/dev/zero", "of=\(frozen.path)", "bs=4k", "count=1", "oflag=direct")
            defer { for daemon in daemons { kill(daemon.pid, SIGCONT) } }
            let error = await Deadline.$current.withValue(SystemClock().now() + .seconds(3)) {
                await errorOf { try await bench.limiter.limit(frozen, to: IOLimits(readIOPS: 9)) }
            }
            // The kernel may wait for the device's requests.
            #expect(error == nil || error?.code == .timedOut)
            try await bench.limiter.limit(other, to: IOLimits(readIOPS: 9))
            #expect(try LimitsInForce.of(other.path) == IOLimits(readIOPS: 9))
            for daemon in daemons { kill(daemon.pid, SIGCONT) }
            try await writing
            try await waitUntil { await errorOf { try await bench.limiter.limit(frozen, to: .none) } == nil }
            #expect(try LimitsInForce.of(frozen.path) == .none)
        }
    }
}

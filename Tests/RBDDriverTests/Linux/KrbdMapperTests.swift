import Glibc
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import RBDDriver

/// With a folder in place of sysfs and a script in place of `rbd`: the rules, where no kernel driver is needed.
@Suite struct KrbdMapperTests {
    private let image = ImageReference(pool: "rbd", namespace: "ns", name: "a b,c")
    private let files = CephClientFiles(confPath: "/c", user: "docker", keyringPath: "/k")
    private let credentials = "--conf /c --id docker --keyring /k"

    private func run(
        fsid: String? = nil,
        _ answer: @escaping @Sendable (Command) -> CommandResult = { _ in CommandResult(.exited(0)) },
        _ body: (FakeSysfs, KrbdMapper, ScriptedRunner) async throws -> Void
    ) async throws {
        try await LinuxBench.run("krbd") { bench in
            let sysfs = try await FakeSysfs.make(bench)
            try await sysfs.write(["bus/rbd/supported_features": "0x1bf\n"])
            let runner = ScriptedRunner(answer)
            let mapper = KrbdMapper(
                files: files, fsid: fsid, stateFolder: sysfs.path + "/state", runner: runner, kernel: bench.kernel,
                sys: sysfs.path)
            try await body(sysfs, mapper, runner)
        }
    }

    @Test func sysfsTellsWhatIsMapped() async throws {
        try await run { sysfs, mapper, _ in
            #expect(try await mapper.mapped() == [])
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a b,c", client: "[fd00::1]:0/99")
            try await sysfs.map(2, pool: "rbd", namespace: nil, name: "old kernel")
            try await sysfs.map(3, pool: "rbd", name: "frozen", snapshot: "snap")
            #expect(
                try await mapper.mapped() == [
                    MappedDevice(image: image, path: "/dev/rbd0", client: ClientAddress("[fd00::1]:0/99")),
                    MappedDevice(
                        image: ImageReference(pool: "rbd", name: "old kernel"), path: "/dev/rbd2",
                        client: ClientAddress("10.0.0.1:0/7")),
                ])
            #expect(
                try await mapper.size(of: MappedDevice(image: image, path: "/dev/rbd0")) == .mebibytes(64))
        }
    }

    @Test func imagesOfAnotherClusterAreNotOurs() async throws {
        try await run(fsid: "mine") { sysfs, mapper, _ in
            try await sysfs.map(0, pool: "rbd", name: "x", fsid: "theirs")
            try await sysfs.map(1, pool: "rbd", name: "x", fsid: "mine")
            #expect(try await mapper.mapped().map(\.path) == ["/dev/rbd1"])
        }
    }

    @Test func mapAsksForNoUdevAndAClientOfItsOwn() async throws {
        try await run({ _ in CommandResult(.exited(0), output: "/dev/rbd4\n") }) { sysfs, mapper, runner in
            try await sysfs.map(4, pool: "rbd", namespace: "ns", name: "a b,c")
            let byHand = try #require(try await mapper.mapped().first)
            #expect(try await !mapper.isOwn(byHand))
            let device = try await mapper.map(image, options: ["queue_depth=128", "ms_mode=secure"])
            #expect(try await mapper.isOwn(device))
            #expect(device.path == "/dev/rbd4")
            #expect(device.client == ClientAddress("10.0.0.1:0/7"))
            #expect(
                runner.lines == [
                    "rbd \(credentials) map --options noudev,noshare,queue_depth=128,ms_mode=secure"
                        + " --pool rbd --namespace ns --image a b,c"
                ])
            #expect(runner.seen.first?.arguments.last == "a b,c", "the name is one argument")
        }
    }

    @Test func aDeviceThatShowsAnotherImageIsNotTaken() async throws {
        try await run({ _ in CommandResult(.exited(0), output: "/dev/rbd4\n") }) { sysfs, mapper, _ in
            try await sysfs.map(4, pool: "rbd", name: "another")
            let error = await failure { _ = try await mapper.map(image, options: []) }
            #expect(error?.code == .unexplained)
            #expect(error?.outcome == .unknown)
        }
    }

    @Test(arguments: [
        (ENXIO, VolumeError.Code.unsupported, "features"), (ENOENT, .notFound, "no such image"),
        (EPERM, .unavailable, "caps"), (ESHUTDOWN, .fenced, "blocklist"), (ETIMEDOUT, .timedOut, "Ceph answers"),
        (EINVAL, .invalidOption, "map options"), (EIO, .unavailable, "dmesg"),
    ])
    func failuresAreToldInWords(_ status: CInt, _ code: VolumeError.Code, _ words: String) async throws {
        try await run({ _ in CommandResult(.exited(status), errors: "rbd: map failed") }) { _, mapper, _ in
            let error = await failure { _ = try await mapper.map(image, options: []) }
            #expect(error?.code == code)
            #expect(error?.description.contains(words) == true, "\(String(describing: error))")
            #expect(error?.why.contains("rbd ended with status \(status): rbd: map failed") == true)
        }
    }

    @Test func withoutTheDriverNothingIsTried() async throws {
        try await LinuxBench.run("krbd") { bench in
            let runner = ScriptedRunner()
            let mapper = KrbdMapper(
                files: files, fsid: nil, stateFolder: bench.scratch.path + "/state", runner: runner,
                kernel: bench.kernel, sys: bench.scratch.path)
            let error = await failure { _ = try await mapper.map(image, options: []) }
            #expect(error?.code == .unsupported)
            #expect(error?.remedy.contains("modprobe rbd") == true)
            #expect(await failure { _ = try await mapper.unsupported(.standard) }?.code == .unsupported)
            let mapped = try await mapper.mapped()
            #expect(mapped == [])
            #expect(runner.lines == [])
        }
    }

    @Test func theKernelTellsWhichFeaturesItKnows() async throws {
        try await run { sysfs, mapper, _ in
            #expect(try await mapper.unsupported([.layering, .exclusiveLock, .journaling]) == .journaling)
            #expect(try await mapper.unsupported(.standard) == [])
            try await sysfs.bench.tool("rm", sysfs.path + "/bus/rbd/supported_features")
            #expect(try await mapper.unsupported([.layering, .exclusiveLock]) == .exclusiveLock)
        }
    }

    @Test func unmapTakesOnlyTheImageThatWasMeant() async throws {
        try await run { sysfs, mapper, runner in
            try await sysfs.map(0, pool: "rbd", name: "another")
            try await mapper.unmap(MappedDevice(image: image, path: "/dev/rbd0"))
            #expect(runner.lines == [])
        }
    }

    @Test func aMomentOfBusynessIsSatOut() async throws {
        let calls = Mutex(0)
        try await run({ _ in
            calls.withLock {
                $0 += 1
                return CommandResult(.exited($0 < 3 ? EBUSY : 0), errors: "busy")
            }
        }) { sysfs, mapper, runner in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a b,c")
            try await mapper.unmap(MappedDevice(image: image, path: "/dev/rbd0"))
            #expect(runner.lines == Array(repeating: "rbd \(credentials) unmap --options noudev /dev/rbd0", count: 3))
        }
    }

    @Test func aDeviceThatStaysInUseIsBusy() async throws {
        try await run({ _ in CommandResult(.exited(EBUSY), errors: "busy") }) { sysfs, mapper, runner in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a b,c")
            let error = await failure { try await mapper.unmap(MappedDevice(image: image, path: "/dev/rbd0")) }
            #expect(error?.code == .busy)
            #expect(!runner.lines.contains { $0.contains("force") })
        }
    }

    /// As on a machine with much to do, where starting `rbd` takes its time.
    @Test func aSlowToolIsNotTriedAgainAndAgain() async throws {
        try await run({ _ in
            usleep(700_000)
            return CommandResult(.exited(EBUSY), errors: "busy")
        }) { sysfs, mapper, runner in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a b,c")
            let error = await failure { try await mapper.unmap(MappedDevice(image: image, path: "/dev/rbd0")) }
            #expect(error?.code == .busy)
            #expect(runner.lines.count <= 3)
        }
    }

    @Test func aClientForAllMappingsIsRefused() async throws {
        try await run { _, mapper, runner in
            let error = await failure { _ = try await mapper.map(image, options: ["queue_depth=64", "share"]) }
            #expect(error?.code == .invalidOption)
            #expect(error?.description.contains("RBD_MAP_OPTIONS") == true)
            #expect(runner.lines == [])
        }
    }

    @Test func growWaitsForTheKernel() async throws {
        try await run { sysfs, mapper, _ in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a b,c")
            let device = MappedDevice(image: image, path: "/dev/rbd0")
            async let grown: Void = mapper.grow(device, to: .mebibytes(128))
            try await sysfs.write(["block/rbd0/size": "262144\n"])
            try await grown
            #expect(try await sysfs.bench.tool("cat", sysfs.path + "/bus/rbd/devices/0/refresh") == "1")
            let other = MappedDevice(image: image, path: "/dev/rbd9")
            #expect(await failure { try await mapper.grow(other, to: .mebibytes(128)) }?.code == .notFound)
        }
    }
}

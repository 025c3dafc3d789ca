import Glibc
import PortContracts
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

/// With a folder in place of sysfs and a script in place of `rbd-plugin-kernel`: the rules, where no kernel driver is needed.
@Suite struct KrbdMapperTests {
    private let image = ImageReference(pool: "rbd", namespace: "ns", name: "a,b")
    private let client = KernelClient(
        user: "docker", key: CephKey(bytes: Array("opensesame".utf8)), monitorsV1: ["10.0.0.1:6789", "[fd00::1]:6789"],
        monitorsV2: ["10.0.0.1:3300"])

    private func run(
        fsid: String? = nil, as other: KernelClient? = nil,
        _ answer: @escaping @Sendable (Command) -> CommandResult = { _ in CommandResult(.exited(0)) },
        _ body: (FakeSysfs, KrbdMapper, ScriptedRunner) async throws -> Void
    ) async throws {
        try await LinuxBench.run("krbd") { bench in
            let sysfs = try await FakeSysfs.make(bench)
            try await sysfs.write(["bus/rbd/supported_features": "0x1bf\n"])
            let runner = ScriptedRunner(answer)
            let client = other ?? client
            let mapper = KrbdMapper(
                client: { client }, fsid: fsid, stateFolder: sysfs.path + "/state", runner: runner,
                kernel: bench.kernel, sys: sysfs.path)
            try await body(sysfs, mapper, runner)
        }
    }

    @Test func sysfsTellsWhatIsMapped() async throws {
        try await run { sysfs, mapper, _ in
            #expect(try await mapper.mapped() == [])
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a,b", client: "[fd00::1]:0/99")
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

    @Test("A2: the kernel tells the image's id, and what it mapped of another image is given back")
    func a2TheIDIsTheKernels() async throws {
        try await run({ command in
            CommandResult(.exited(0), output: command.arguments.first == "map" ? "/dev/rbd4\n" : "")
        }) { sysfs, mapper, runner in
            try await sysfs.map(4, pool: "rbd", namespace: "ns", name: "a,b", id: "12ab")
            #expect(try await mapper.mapped().map(\.imageID) == ["12ab"])
            let device = try await mapper.map(image, id: "12ab", options: [])
            #expect(device.imageID == "12ab")
            let namesake = MappedDevice(image: image, imageID: "34cd", path: "/dev/rbd5")
            #expect(try await mapper.isOwn(device))
            #expect(try await !mapper.isOwn(namesake), "another image had the name")
            try await mapper.unmap(MappedDevice(image: image, imageID: "34cd", path: "/dev/rbd4"))
            #expect(runner.seen.count == 1, "the number is another image's")
        }
    }

    @Test("A2: a device that the kernel made of another image than asked for is given back")
    func a2AnotherImageIsGivenBack() async throws {
        let removed = Mutex(false)
        try await run({ command in
            guard command.arguments.first == "unmap" else { return CommandResult(.exited(0), output: "/dev/rbd4\n") }
            removed.withLock {
                $0 = command.arguments == ["unmap", command.arguments[1], "4", "rbd", "ns", "a,b", "34cd"]
            }
            return CommandResult(.exited(0))
        }) { sysfs, mapper, _ in
            try await sysfs.map(4, pool: "rbd", namespace: "ns", name: "a,b", id: "34cd")
            let error = await errorOf { _ = try await mapper.map(image, id: "12ab", options: []) }
            #expect(error?.code == .foreignImage)
            let wasGivenBack = removed.withLock { $0 }
            #expect(wasGivenBack)
        }
    }

    @Test func mapAsksForAClientOfItsOwn() async throws {
        try await run({ _ in CommandResult(.exited(0), output: "/dev/rbd4\n") }) { sysfs, mapper, runner in
            try await sysfs.map(4, pool: "rbd", namespace: "ns", name: "a,b")
            let byHand = try #require(try await mapper.mapped().first)
            #expect(try await !mapper.isOwn(byHand))
            let device = try await mapper.map(image, id: nil, options: ["queue_depth=128", "noudev"])
            #expect(try await mapper.isOwn(device))
            #expect(device.path == "/dev/rbd4")
            #expect(device.client == ClientAddress("10.0.0.1:0/7"))
            #expect(
                runner.seen.map(\.arguments) == [
                    [
                        "map", sysfs.path, "10.0.0.1:6789,[fd00::1]:6789",
                        "name=docker,_pool_ns=ns,noshare,queue_depth=128", "rbd", "a,b",
                    ]
                ])
        }
    }

    @Test func theKeyGoesThroughAPipeAndNowhereElse() async throws {
        try await run({ _ in CommandResult(.exited(EPERM), errors: "no") }) { _, mapper, runner in
            let error = await errorOf { _ = try await mapper.map(image, id: nil, options: []) }
            let command = try #require(runner.seen.first)
            #expect(command.input == Array("opensesame".utf8))
            #expect(command.environment == [:])
            for text in ["opensesame", "b3BlbnNlc2FtZQ=="] {
                #expect(!command.arguments.contains { $0.contains(text) })
                #expect(error?.description.contains(text) == false)
                #expect(!"\(client)".contains(text))
            }
        }
    }

    @Test func theMessengerV2ModeIsSpokenToTheMonitorsThatKnowIt() async throws {
        try await run({ _ in CommandResult(.exited(1)) }) { _, mapper, runner in
            for mode in ["crc", "secure", "prefer-crc", "prefer-secure", "legacy"] {
                _ = await errorOf { _ = try await mapper.map(image, id: nil, options: ["ms_mode=\(mode)"]) }
            }
            #expect(
                runner.seen.map { $0.arguments[2] }
                    == Array(repeating: "10.0.0.1:3300", count: 4) + ["10.0.0.1:6789,[fd00::1]:6789"])
        }
    }

    @Test(arguments: MessengerV2Mode.allCases)
    func monitorsThatSpeakTheMessengerV2ModeOnlyAreReachedBySayingSo(_ way: MessengerV2Mode) async throws {
        var modern = client
        modern.monitorsV1 = []
        modern.messengerV2Mode = way
        try await run(as: modern, { _ in CommandResult(.exited(1)) }) { _, mapper, runner in
            _ = await errorOf { _ = try await mapper.map(image, id: nil, options: ["queue_depth=64"]) }
            #expect(
                runner.seen.first?.arguments[2...3] == [
                    "10.0.0.1:3300", "name=docker,_pool_ns=ns,noshare,queue_depth=64,ms_mode=\(way.rawValue)",
                ])
        }
    }

    @Test(arguments: [true, false]) func aModeThatSomebodyNamesWins(inTheConfiguration: Bool) async throws {
        var modern = client
        modern.monitorsV1 = []
        modern.mapOptions = inTheConfiguration ? ["ms_mode=crc"] : []
        let options = inTheConfiguration ? [] : ["ms_mode=crc"]
        try await run(as: modern, { _ in CommandResult(.exited(1)) }) { _, mapper, runner in
            _ = await errorOf { _ = try await mapper.map(image, id: nil, options: options) }
            #expect(runner.seen.first?.arguments[3] == "name=docker,_pool_ns=ns,noshare,ms_mode=crc")
        }
    }

    @Test(arguments: ["legacy", "crc"]) func monitorsThatDoNotSpeakTheProtocolAreNotAsked(_ mode: String) async throws {
        var other = client
        if mode == "legacy" { other.monitorsV1 = [] } else { other.monitorsV2 = [] }
        try await run(as: other) { _, mapper, runner in
            let error = await errorOf { _ = try await mapper.map(image, id: nil, options: ["ms_mode=\(mode)"]) }
            #expect(error?.code == .invalidOption)
            #expect(error?.remedy.contains("leave ms_mode out of RBD_MAP_OPTIONS") == true)
            #expect(runner.lines == [])
        }
    }

    @Test func aKernelThatIsTooOldForTheMessengerV2ModeIsToldInWords() async throws {
        var modern = client
        modern.monitorsV1 = []
        for (client, isTold) in [(modern, true), (self.client, false)] {
            try await run(as: client, { _ in CommandResult(.exited(EINVAL)) }) { _, mapper, _ in
                let error = await errorOf { _ = try await mapper.map(image, id: nil, options: []) }
                #expect(error?.code == .invalidOption)
                #expect(error?.remedy.contains("Linux 5.11") == isTold, "\(String(describing: error))")
                #expect(error?.remedy.contains("port 6789") == isTold)
            }
        }
    }

    @Test func whatTheConfigurationSaysComesBeforeWhatIsAskedFor() async throws {
        var configured = client
        configured.mapOptions = ["share", "ms_mode=legacy", "queue_depth=64"]
        try await run(as: configured, { _ in CommandResult(.exited(1)) }) { _, mapper, runner in
            _ = await errorOf { _ = try await mapper.map(image, id: nil, options: ["ms_mode=crc"]) }
            #expect(
                runner.seen.first?.arguments[2...3] == [
                    "10.0.0.1:3300", "name=docker,_pool_ns=ns,noshare,ms_mode=legacy,queue_depth=64,ms_mode=crc",
                ])
        }
    }

    @Test(arguments: [
        ImageReference(pool: "rbd", name: "a b"), ImageReference(pool: "r bd", name: "a"),
        ImageReference(pool: "rbd", namespace: "n,secret=x", name: "a"),
        ImageReference(pool: "rbd", namespace: "n s", name: "a"),
    ])
    func namesThatTheKernelWouldMisreadAreRefused(_ image: ImageReference) async throws {
        try await run { _, mapper, runner in
            #expect(await errorOf { _ = try await mapper.map(image, id: nil, options: []) }?.code == .unsupported)
            #expect(runner.lines == [])
        }
    }

    @Test(arguments: ["share", "name=admin", "secret=AQ==", "key=client.admin", "_pool_ns=other"])
    func whatIsNotForAnOptionToSayIsRefused(_ option: String) async throws {
        try await run { _, mapper, runner in
            let error = await errorOf { _ = try await mapper.map(image, id: nil, options: ["queue_depth=64", option]) }
            #expect(error?.code == .invalidOption)
            #expect(error?.description.contains("RBD_MAP_OPTIONS") == true)
            #expect(error?.description.contains("AQ==") == false)
            #expect(runner.lines == [])
        }
    }

    @Test func aDeviceThatCannotBeToldIsNotTakenForAFailure() async throws {
        try await run { sysfs, mapper, _ in
            let error = await errorOf { _ = try await mapper.map(image, id: nil, options: []) }
            #expect(error?.outcome == .unknown)
            try await sysfs.map(4, pool: "rbd", namespace: "ns", name: "a,b")
            let found = try #require(try await mapper.mapped().first)
            #expect(try await mapper.isOwn(found))
        }
    }

    @Test func aDeviceThatShowsAnotherImageIsNotTaken() async throws {
        try await run({ _ in CommandResult(.exited(0), output: "/dev/rbd4\n") }) { sysfs, mapper, _ in
            try await sysfs.map(4, pool: "rbd", name: "another")
            let error = await errorOf { _ = try await mapper.map(image, id: nil, options: []) }
            #expect(error?.code == .unexplained)
            #expect(error?.outcome == .unknown)
        }
    }

    @Test(arguments: [
        (ENXIO, VolumeError.Code.unsupported, "features"), (ENOENT, .notFound, "the image or its pool does not exist"),
        (EPERM, .unavailable, "caps"), (ESHUTDOWN, .fenced, "blocklist"), (ETIMEDOUT, .timedOut, "Ceph answers"),
        (EINVAL, .invalidOption, "map options"), (EIO, .unavailable, "dmesg"),
    ])
    func failuresAreToldInWords(_ status: CInt, _ code: VolumeError.Code, _ words: String) async throws {
        try await run({ _ in CommandResult(.exited(status), errors: "cannot write /sys") }) { _, mapper, _ in
            let error = await errorOf { _ = try await mapper.map(image, id: nil, options: []) }
            #expect(error?.code == code)
            #expect(error?.description.contains(words) == true, "\(String(describing: error))")
            #expect(error?.why.contains("rbd-plugin-kernel ended with status \(status): cannot write /sys") == true)
        }
    }

    @Test("A key that the kernel refuses is told with its type, and with what can be done")
    func refusedKey() async throws {
        let bytes = [2, 0] + Array(repeating: 0, count: 8) + [32, 0] + Array(repeating: 7, count: 32) as [UInt8]
        let modern = KernelClient(
            user: "docker", key: CephKey(bytes: bytes), monitorsV1: ["10.0.0.1:6789"], monitorsV2: [])
        for (client, words) in [
            (modern, ["aes256k", "Linux 7.0", "RBD_MAPPER=fuse or nbd", "rotate client.docker --key-type aes"]),
            (client, ["cannot be used by this kernel", "ceph auth get client.docker"]),
        ] {
            try await run(as: client, { _ in CommandResult(.exited(129)) }) { _, mapper, _ in
                let error = await errorOf { _ = try await mapper.map(image, id: nil, options: []) }
                #expect(error?.code == .unsupported && error?.outcome == .refused)
                for word in words { #expect(error?.description.contains(word) == true, "\(error as Any)") }
            }
        }
    }

    @Test func withoutTheDriverNothingIsTried() async throws {
        try await LinuxBench.run("krbd") { bench in
            let runner = ScriptedRunner()
            let client = client
            let mapper = KrbdMapper(
                client: { client }, fsid: nil, stateFolder: bench.scratch.path + "/state", runner: runner,
                kernel: bench.kernel, sys: bench.scratch.path)
            let error = await errorOf { _ = try await mapper.map(image, id: nil, options: []) }
            #expect(error?.code == .unsupported)
            #expect(error?.remedy.contains("modprobe rbd") == true)
            #expect(await errorOf { _ = try await mapper.unsupported(.standard) }?.code == .unsupported)
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
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a,b")
            try await mapper.unmap(MappedDevice(image: image, path: "/dev/rbd0"))
            let command = ["unmap", sysfs.path, "0", "rbd", "ns", "a,b", ""]
            #expect(runner.seen.map(\.arguments) == Array(repeating: command, count: 3))
        }
    }

    @Test func aDeviceThatStaysInUseIsBusy() async throws {
        try await run({ _ in CommandResult(.exited(EBUSY), errors: "busy") }) { sysfs, mapper, runner in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a,b")
            let error = await errorOf { try await mapper.unmap(MappedDevice(image: image, path: "/dev/rbd0")) }
            #expect(error?.code == .busy)
            #expect(!runner.lines.contains { $0.contains("force") })
        }
    }

    /// As on a machine with much to do, where starting a program takes its time.
    @Test func aSlowToolIsNotTriedAgainAndAgain() async throws {
        try await run({ _ in
            usleep(700_000)
            return CommandResult(.exited(EBUSY), errors: "busy")
        }) { sysfs, mapper, runner in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a,b")
            let error = await errorOf { try await mapper.unmap(MappedDevice(image: image, path: "/dev/rbd0")) }
            #expect(error?.code == .busy)
            #expect(runner.lines.count <= 3)
        }
    }

    @Test func growWaitsForTheKernel() async throws {
        try await run { sysfs, mapper, _ in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a,b")
            let device = MappedDevice(image: image, path: "/dev/rbd0")
            async let grown: Void = mapper.grow(device, to: .mebibytes(128))
            try await sysfs.write(["block/rbd0/size": "262144\n"])
            try await grown
            #expect(try await sysfs.bench.tool("cat", sysfs.path + "/bus/rbd/devices/0/refresh") == "1")
            let other = MappedDevice(image: image, path: "/dev/rbd9")
            #expect(await errorOf { try await mapper.grow(other, to: .mebibytes(128)) }?.code == .notFound)
        }
    }

    @Test("E13: where a device's own files are read-only, growing waits for the kernel to learn of the size by itself")
    func e13GrowWithoutRefresh() async throws {
        try await run { sysfs, mapper, _ in
            try await sysfs.map(0, pool: "rbd", namespace: "ns", name: "a,b")
            let folder = sysfs.path + "/bus/rbd/devices"
            try await sysfs.bench.tool("mount", "--bind", folder, folder)
            try await sysfs.bench.tool("mount", "-o", "remount,bind,ro", folder)
            let device = MappedDevice(image: image, path: "/dev/rbd0")
            async let grown: Void = mapper.grow(device, to: .mebibytes(128))
            try await sysfs.write(["block/rbd0/size": "262144\n"])
            try await grown
            #expect(try await sysfs.bench.tool("cat", folder + "/0/refresh") == "")
        }
    }
}

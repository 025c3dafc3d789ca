import PortContracts
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

/// The setting is changed while images are mapped. With a folder in place of sysfs and a script in place of the tools; with
/// real mappings of two kinds it is among the tests in virtual machines.
@Suite struct PresentAndFormerMappersTests {
    private let image = ImageReference(pool: "rbd", name: "old")
    private let krbd = MappedDevice(
        image: ImageReference(pool: "rbd", name: "old"), path: "/dev/rbd0", client: ClientAddress("10.0.0.1:0/7"))
    private let nbd = MappedDevice(
        image: ImageReference(pool: "rbd", name: "old"), path: "/dev/nbd0", client: ClientAddress("10.0.0.1:0/9"))

    /// A node on which every mapper works.
    private struct Node: Sendable {
        let sysfs: FakeSysfs
        let runner: ScriptedRunner
        let isNbdMapped: Flag

        var state: String { sysfs.bench.scratch.path }

        /// As after a start of the plugin with that setting.
        func mapper(_ kind: MapperKind, fsid: String? = "f5") async throws -> any DeviceMapper {
            let root = sysfs.bench.scratch.path + "/root"
            let probe = MapperProbe(
                runner: runner, kernel: sysfs.bench.kernel, searchPath: SearchPath([root + "/bin"]), root: root)
            let factory = MapperFactory(
                files: CephClientFiles(confPath: "/c", user: "docker"),
                client: {
                    KernelClient(user: "docker", key: nil, monitorsV1: ["10.0.0.1:6789"], monitorsV2: [])
                }, fsid: fsid, stateFolder: state, runner: runner, kernel: sysfs.bench.kernel, probe: probe,
                sys: sysfs.path, watchers: { WatchedImage(id: "id of \($0.name)", watchers: []) })
            return try await factory.make(kind).mapper
        }
    }

    /// Whether `rbd-nbd` lists `/dev/nbd0`.
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool {
            get { value.withLock(\.self) }
            set { value.withLock { $0 = newValue } }
        }
    }

    private func run(_ body: (Node) async throws -> Void) async throws {
        try await LinuxBench.run("two") { bench in
            let root = bench.scratch.path + "/root"
            for path in [
                "/sys/bus/rbd/x", "/sys/module/nbd", "/dev/fuse", "/dev/loop-control",
                "/usr/lib/x86_64-linux-gnu/qemu/block-rbd.so",
            ] + ["rbd-plugin-kernel", "rbd", "rbd-nbd", "qemu-storage-daemon", "losetup"].map({ "/bin/" + $0 }) {
                try await bench.tool("install", "-D", "/bin/true", root + path)
            }
            let sysfs = try await FakeSysfs.make(bench)
            try await sysfs.write(["bus/rbd/supported_features": "0x1bf\n"])
            let isNbdMapped = Flag()
            let runner = ScriptedRunner { command in
                guard command.tool == .rbdNBD else { return CommandResult(.exited(0)) }
                let line = #"{"id":7,"pool":"rbd","image":"old","device":"/dev/nbd0"}"#
                return CommandResult(.exited(0), output: isNbdMapped.isSet ? "[\(line)]" : "[]")
            }
            try await body(Node(sysfs: sysfs, runner: runner, isNbdMapped: isNbdMapped))
        }
    }

    private func mapWithNbd(_ node: Node) async throws {
        try NbdRecords(folder: node.state + "/nbd").write(.init(device: nbd, process: 7))
        try await node.sysfs.write(["block/nbd0/pid": "7\n", "block/nbd0/size": "131072\n"])
        node.isNbdMapped.isSet = true
    }

    private func mapWithKrbd(_ node: Node) async throws {
        try await node.sysfs.map(0, pool: "rbd", name: "old")
        try MappingMarks(folder: node.state + "/krbd").set(image, id: nil)
    }

    @Test(arguments: [MapperKind.nbd, .fuse]) func whatTheKernelHasMappedIsStillLookedAfter(
        by next: MapperKind
    ) async throws {
        try await run { node in
            try await mapWithKrbd(node)
            let mapper = try await node.mapper(next)
            #expect(mapper.kind == next.rawValue)
            #expect(try await mapper.mapped() == [krbd])
            #expect(mapper.kinds == ["krbd", next.rawValue])
            #expect(mapper.kind(of: krbd) == "krbd")
            #expect(try await mapper.isOwn(krbd))
            #expect(try await mapper.size(of: krbd) == .mebibytes(64))
            try await mapper.grow(krbd, to: .mebibytes(64))
            try await mapper.unmap(krbd)
            #expect(node.runner.seen.last?.arguments == ["unmap", node.sysfs.path, "0", "rbd", "", "old", ""])
        }
    }

    /// As after the upgrade of a managed plugin, which has lost its notes.
    @Test func withoutNotesTheKernelTellsWhatAPluginHadMapped() async throws {
        try await run { node in
            try await node.sysfs.map(0, pool: "rbd", name: "old")
            try await node.sysfs.map(1, pool: "rbd", name: "by hand")
            for (device, key) in [(0, "rbd-plugin-7cb23799975d2032"), (1, "client.admin")] {
                try await node.sysfs.write([
                    "bus/rbd/devices/\(device)/config_info": "10.0.0.1:6789 name=docker,noshare,key=\(key) rbd x -\n"
                ])
            }
            #expect(try await node.mapper(.fuse).mapped() == [krbd])
            #expect(try await node.mapper(.krbd).mapped().map(\.path) == ["/dev/rbd0", "/dev/rbd1"])
        }
    }

    @Test func whatAProcessHasMappedIsStillLookedAfter() async throws {
        try await run { node in
            try await mapWithNbd(node)
            let mapper = try await node.mapper(.krbd)
            #expect(try await mapper.mapped() == [nbd])
            #expect(mapper.kind(of: nbd) == "nbd")
            #expect(try await mapper.isOwn(nbd))
            #expect(try await mapper.size(of: nbd) == .mebibytes(64))
            // Its device is not there to be given back: the one who is asked knows that it is gone.
            node.isNbdMapped.isSet = false
            let asked = node.runner.lines.count
            try await mapper.unmap(nbd)
            #expect(node.runner.lines.dropFirst(asked) == ["rbd-nbd list-mapped --format json"])
        }
    }

    @Test func newImagesAreMappedByTheKindThatIsChosen() async throws {
        try await run { node in
            try await mapWithNbd(node)
            let mapper = try await node.mapper(.krbd)
            #expect(mapper.kind == "krbd")
            #expect(try await mapper.unsupported([.layering, .journaling]) == .journaling)
            let new = ImageReference(pool: "rbd", name: "new")
            // The script maps nothing: only who is asked matters.
            _ = await errorOf { _ = try await mapper.map(new, id: nil, options: []) }
            #expect(node.runner.seen.last?.tool == .kernel)
            #expect(node.runner.seen.last?.arguments.last == "new")
        }
    }

    @Test func onceItHasNothingLeftItIsAskedNoMore() async throws {
        try await run { node in
            try await mapWithNbd(node)
            let mapper = try await node.mapper(.krbd)
            node.isNbdMapped.isSet = false
            #expect(try await mapper.mapped() == [])
            #expect(mapper.kinds == ["krbd", "nbd"], "the kernel still shows its device")
            try await node.sysfs.bench.tool("rm", node.sysfs.path + "/block/nbd0/pid")
            #expect(try await mapper.mapped() == [])
            #expect(mapper.kinds == ["krbd"])
            let asked = node.runner.lines.count
            #expect(try await mapper.mapped() == [])
            #expect(node.runner.lines.count == asked)
        }
    }

    /// The kernel may still be mapping for a plugin that was killed.
    @Test func aMappingThatIsStillToComeIsWaitedFor() async throws {
        try await run { node in
            try MappingMarks(folder: node.state + "/krbd").set(image, id: nil)
            let mapper = try await node.mapper(.fuse)
            #expect(try await mapper.mapped() == [])
            try await node.sysfs.map(0, pool: "rbd", name: "old")
            #expect(try await mapper.mapped() == [krbd])
        }
    }

    @Test func aNodeThatHasAlwaysHadOneMapperHasOne() async throws {
        try await run { node in
            #expect(try await node.mapper(.krbd) is KrbdMapper)
            #expect(try await node.mapper(.fuse) is FuseMapper)
            try await mapWithKrbd(node)
            #expect(try await node.mapper(.krbd) is KrbdMapper)
            // A note that was left by a process long dead: its device is not in use.
            try NbdRecords(folder: node.state + "/nbd").write(.init(device: nbd, process: 7))
            #expect(try await node.mapper(.krbd) is KrbdMapper)
        }
    }

    /// Else the devices of another cluster could be taken for this one's.
    @Test func whatTheKernelHasMappedIsNotJudgedWithoutTheClustersID() async throws {
        try await run { node in
            try await mapWithKrbd(node)
            #expect(await errorOf { _ = try await node.mapper(.fuse, fsid: nil) }?.code == .unavailable)
        }
    }
}

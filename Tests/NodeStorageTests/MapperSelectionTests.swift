import PortContracts
import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct MapperSelectionTests {
    private let noDriver = ["the kernel has no rbd driver"]

    @Test func theKernelsDriverComesFirst() throws {
        let selection = try MapperSelection.choose(nil, lacks: [.krbd: [], .nbd: [], .fuse: []])
        #expect(selection.kind == .krbd)
    }

    @Test func withoutItFuseServes() throws {
        let selection = try MapperSelection.choose(nil, lacks: [.krbd: noDriver, .nbd: [], .fuse: []])
        #expect(selection == MapperSelection(kind: .fuse, reason: "krbd: the kernel has no rbd driver"))
    }

    @Test func nbdServesWhereOnlyThatExists() throws {
        let selection = try MapperSelection.choose(nil, lacks: [.krbd: noDriver, .nbd: [], .fuse: ["no /dev/fuse"]])
        #expect(selection.kind == .nbd)
        #expect(selection.reason == "krbd: the kernel has no rbd driver; fuse: no /dev/fuse")
    }

    @Test(arguments: MapperKind.allCases)
    func theSettingIsObeyedOrRefused(_ kind: MapperKind) throws {
        let whole: [MapperKind: [String]] = [.krbd: [], .nbd: [], .fuse: []]
        #expect(try MapperSelection.choose(kind, lacks: whole).kind == kind)
        var broken = whole
        broken[kind] = ["no this", "no that"]
        let error = #expect(throws: VolumeError.self) { try MapperSelection.choose(kind, lacks: broken) }
        #expect(error?.code == .unsupported)
        #expect(error?.why == "\(kind.rawValue): no this, no that")
    }

    @Test func whenNothingWorksEachLackIsTold() {
        let error = #expect(throws: VolumeError.self) {
            try MapperSelection.choose(nil, lacks: [.krbd: noDriver, .fuse: ["no /dev/fuse"]])
        }
        #expect(error?.why == "krbd: the kernel has no rbd driver; fuse: no /dev/fuse; nbd: not checked")
    }
}

@Suite struct MapperProbeTests {
    private func look(
        for wanted: MapperKind? = nil, _ paths: [String], tools: [String],
        processes: String? = nil, key: CephKey? = nil,
        modprobe: @escaping ScriptedRunner.Answer = { _ in CommandResult(.exited(1), errors: "not found") }
    ) async throws -> ([MapperKind: [String]], [String]) {
        nonisolated(unsafe) var answer: ([MapperKind: [String]], [String]) = ([:], [])
        try await LinuxBench.run("probe") { bench in
            let root = bench.scratch.path + "/root"
            for path in paths {
                try await bench.tool("mkdir", "-p", String(root + path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
                try await bench.tool("touch", root + path)
            }
            if let processes {
                try await bench.tool("mkdir", "-p", root + "/proc/self/ns")
                try await bench.tool("ln", "-s", processes, root + "/proc/self/ns/pid")
            }
            for tool in tools {
                try await bench.tool("install", "-D", "/bin/true", "\(root)/bin/\(tool)")
            }
            let runner = ScriptedRunner(modprobe)
            let probe = MapperProbe(
                runner: runner, kernel: bench.kernel, searchPath: SearchPath([root + "/bin"]), root: root)
            let client = KernelClient(user: "docker", key: key, monitorsV1: [], monitorsV2: [])
            answer = (try await probe.look(for: wanted) { client }, runner.lines.sorted())
        }
        return answer
    }

    private static let whole = [
        "/sys/bus/rbd", "/sys/module/nbd", "/dev/fuse", "/dev/loop-control",
        "/usr/lib/x86_64-linux-gnu/qemu/block-rbd.so",
    ]
    private static let tools = ["rbd-plugin-kernel", "rbd", "rbd-nbd", "qemu-storage-daemon", "losetup"]

    @Test(arguments: MapperKind.allCases)
    func aWholeNodeLacksNothing(_ kind: MapperKind) async throws {
        let (lacks, commands) = try await look(for: kind, Self.whole, tools: Self.tools)
        #expect(lacks == [kind: []])
        #expect(commands == [])
    }

    @Test func noModuleIsLoadedThatIsNotNeeded() async throws {
        let (lacks, commands) = try await look(["/sys/bus/rbd"], tools: ["rbd-plugin-kernel"])
        #expect(lacks == [.krbd: []])
        #expect(commands == [])
    }

    @Test func whatComesFirstIsLookedAtFirst() async throws {
        let (lacks, commands) = try await look(Array(Self.whole.dropFirst()), tools: Self.tools)
        #expect(lacks[.krbd]?.isEmpty == false)
        #expect(lacks[.fuse] == [])
        #expect(lacks[.nbd] == nil)
        #expect(commands == ["modprobe rbd"])
    }

    @Test("A survey asks whether a module could be loaded, and loads none", arguments: [(0, true), (1, false)])
    func survey(status: Int32, works: Bool) async throws {
        try await LinuxBench.run("probe") { bench in
            let root = bench.scratch.path + "/root"
            try await bench.tool("install", "-D", "/bin/true", "\(root)/bin/rbd-plugin-kernel")
            let runner = ScriptedRunner { _ in CommandResult(.exited(status), errors: "not found") }
            let probe = MapperProbe(
                runner: runner, kernel: bench.kernel, searchPath: SearchPath([root + "/bin"]), root: root)
            let lacks = try await probe.lack(of: .krbd, as: nil)
            #expect(lacks.isEmpty == works, "\(lacks)")
            #expect(runner.lines == ["modprobe --dry-run rbd"])
        }
    }

    @Test(
        "nbd needs to see the host's processes", arguments: [("pid:[4026531836]", true), ("pid:[4026532201]", false)])
    func nbdNeedsTheHostsProcesses(namespace: String, works: Bool) async throws {
        let (lacks, _) = try await look(for: .nbd, Self.whole, tools: Self.tools, processes: namespace)
        #expect(lacks[.nbd]?.isEmpty == works)
        #expect(works || lacks[.nbd]?.first?.contains("the host's processes") == true)
    }

    /// As Ceph makes them.
    private static func key(type: UInt8, length: UInt8) -> CephKey {
        CephKey(
            bytes: [type, 0] + Array(repeating: 0, count: 8) + [length, 0] + Array(repeating: 7, count: Int(length)))
    }

    @Test("Where the kernel cannot use the key, the next way of mapping is chosen, and the reason is told")
    func kernelRefusesKey() async throws {
        let key = Self.key(type: 2, length: 32)
        let (lacks, commands) = try await look(Self.whole, tools: Self.tools, key: key) { command in
            #expect(command.input == key.bytes)
            return CommandResult(.exited(129), errors: "cannot add the key to the kernel's keyring")
        }
        #expect(commands == ["rbd-plugin-kernel try-key"])
        let selection = try MapperSelection.choose(nil, lacks: lacks)
        #expect(selection.kind == .fuse)
        #expect(selection.reason.contains("key of client.docker is of the type aes256k"), "\(selection.reason)")
        #expect(selection.reason.contains("Linux 7.0") && selection.reason.contains("--key-type aes"))
    }

    @Test("The kernel is asked about keys of newer types alone", arguments: [(1, 16, false), (2, 32, true)])
    func kernelTakesKey(type: UInt8, length: UInt8, isAsked: Bool) async throws {
        let key = Self.key(type: type, length: length)
        let (lacks, commands) = try await look(Self.whole, tools: Self.tools, key: key) { _ in CommandResult(.exited(0))
        }
        #expect(lacks == [.krbd: []])
        #expect(commands == (isAsked ? ["rbd-plugin-kernel try-key"] : []))
    }

    @Test("fuse with libfuse 3.17 needs the programs that it starts, and says which are missing")
    func newLibfuseStartsMount() async throws {
        let new = Self.whole + ["/usr/lib/x86_64-linux-gnu/libfuse3.so.4"]
        let (lacks, _) = try await look(for: .fuse, new, tools: Self.tools)
        #expect(
            lacks[.fuse] == [
                "no /bin/mount (package mount), which libfuse 3.17 and later starts",
                "no /bin/umount (package mount), which libfuse 3.17 and later starts",
            ])
        let (whole, _) = try await look(for: .fuse, new, tools: Self.tools + ["mount", "umount"])
        #expect(whole[.fuse] == [])
        let old = Self.whole + ["/usr/lib/x86_64-linux-gnu/libfuse3.so.3"]
        let (before, _) = try await look(for: .fuse, old, tools: Self.tools)
        #expect(before[.fuse] == [])
    }

    @Test("A module that does not load in time is no reason to choose another way of mapping, which would stay")
    func slowModprobe() async throws {
        let error = await errorOf {
            _ = try await look(Array(Self.whole.dropFirst()), tools: Self.tools) { command in
                throw VolumeError(.timedOut, "load", why: "\(command.tool.name) did not end in time", outcome: .unknown)
            }
        }
        #expect(error?.code == .timedOut && error?.outcome == .unknown)
        #expect(error?.what == "load the kernel module rbd" && error?.why == "modprobe did not end in time")
        #expect(error?.remedy.contains("RBD_MAPPER") == true)
    }

    @Test func anEmptyNodeLacksEverything() async throws {
        let (lacks, commands) = try await look([], tools: [])
        #expect(
            lacks == [
                .krbd: [
                    "the kernel has no rbd driver (modprobe ended with status 1: not found)",
                    "no rbd-plugin-kernel (package rbd-plugin)",
                ],
                .nbd: [
                    "the kernel has no nbd driver (modprobe ended with status 1: not found)",
                    "no rbd (package ceph-common)", "no rbd-nbd (package rbd-nbd)",
                ],
                .fuse: [
                    "no /dev/fuse", "no /dev/loop-control", "no block-rbd.so for qemu (package qemu-block-extra)",
                    "no qemu-storage-daemon (package qemu-utils, before Debian 13 qemu-system-common)",
                    "no losetup (package mount)",
                    "no rbd (package ceph-common)",
                ],
            ])
        #expect(commands == ["modprobe nbd", "modprobe rbd"])
    }
}

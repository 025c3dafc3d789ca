import KernelRequest
import RealParts
import Testing
import VolumeCore

@testable import NodeStorage

/// Programs that get less than this process has, by `rbd-plugin-kernel`.
@Suite struct ConfinementTests {
    @Test(arguments: [
        Confinement(isApart: true), Confinement(capabilities: 0), Confinement(isApart: true, capabilities: 0x100_0002),
    ])
    func whatIsSaidIsUnderstood(confinement: Confinement) {
        var words = (confinement.words + ["/bin/sh", "apart", "keeping=1"])[...]
        #expect(Confinement(takingFrom: &words) == confinement)
        #expect(words == ["/bin/sh", "apart", "keeping=1"])
    }

    @Test(arguments: [[], ["/bin/sh"], ["apart"], ["apart", "sh"], ["keeping=x", "/bin/sh"], ["other", "/bin/sh"]])
    func whatIsNotUnderstoodIsNone(words: [String]) {
        var words = words[...]
        #expect(Confinement(takingFrom: &words) == nil)
    }

    private func privileges(keeping capabilities: Set<Capability>) async throws -> [String: String] {
        var status = ""
        try await LinuxBench.run("confined") { bench in
            let command = Command(Tool("cat", package: "coreutils"), ["/proc/self/status"]).keeping(capabilities)
            status = try await bench.runner.succeed(command, to: "look at privileges").output
        }
        let lines = status.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
        return Dictionary(lines.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { $1 }
    }

    @Test("E13: a program keeps no capability but those it is given, and wins none, though it is root's")
    func e13FewCapabilities() async throws {
        let none = String(repeating: "0", count: 16)
        let without = try await privileges(keeping: [])
        for line in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] { #expect(without[line] == none, "\(line)") }
        #expect(without["NoNewPrivs:"] == "1")
        let one = try await privileges(keeping: [.sysAdmin])
        #expect(one["CapEff:"] == "0000000000200000" && one["CapPrm:"] == "0000000000200000")
    }

    @Test("E13: mkfs on a mapped device keeps what its filesystem's needs, and growing what the kernel demands")
    func e13WhatToolsKeep() async throws {
        #expect(MkfsCommand(.ext4, size: .gibibytes(1), words: []).capabilities == [])
        #expect(MkfsCommand(.xfs, size: .gibibytes(1), words: []).capabilities == [.sysAdmin])
        try await LinuxBench.run("kept") { bench in
            for (filesystem, growing) in [
                (FilesystemType.ext4, Capability.sysResource), (.xfs, .sysAdmin), (.btrfs, .sysAdmin),
            ] {
                let runner = ScriptedRunner()
                let tools = LinuxFilesystemTools(runner: runner, kernel: bench.kernel)
                try await tools.grow("/dev/rbd7", filesystem, mountpoint: "/mnt/volumes/db")
                #expect(runner.seen.map(\.capabilities) == [[growing, .dacOverride]])
            }
        }
    }
}

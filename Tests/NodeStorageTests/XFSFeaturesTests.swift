import Glibc
import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// A volume goes from node to node, and their kernels are of different ages.
@Suite struct XFSFeaturesTests {
    @Test("A new xfs has no feature that Linux 6.1 does not know, whatever the installed mkfs.xfs has on by itself")
    func everyNodeCanMountIt() async throws {
        try await LinuxBench.run("features") { bench in
            let disk = try await LoopDisk.make(bench)
            let mkfs = DeviceMkfs(runner: bench.runner, kernel: bench.kernel, root: bench.scratch.path + "/format")
            let spec = VolumeSpec(pool: "rbd", size: .mebibytes(512), filesystem: .xfs)
            try await mkfs.run(on: disk.device, spec, to: "make a filesystem")
            let (readOnly, readWrite) = try features(of: disk.device)
            // FINOBT, RMAPBT, REFLINK, INOBTCNT; FTYPE, SPINODES, META_UUID, BIGTIME, NEEDSREPAIR, NREXT64.
            #expect(readOnly & ~0xF == 0 && readWrite & ~0x3F == 0, "\(readOnly) \(readWrite)")
        }
    }

    @Test(
        "A newer mkfs.xfs is told to leave new features out, but for those that the user names; an older one is not",
        arguments: [
            ("mkfs.xfs version 6.1.0\n", [], []),
            ("mkfs.xfs version 7.2.0\n", [], ["-i", "exchange=0", "-n", "parent=0"]),
            ("mkfs.xfs version 6.10.1\n", ["-i", "size=1024,exchange=1"], ["-n", "parent=0"]),
            ("mkfs.xfs version 10.0\n", ["-nparent=1"], ["-i", "exchange=0"]),
            ("what?\n", [], []), ("", [], []), ("mkfs.xfs version 7\n", [], []),
        ] as [(String, [String], [String])])
    func restraint(said: String, words: [String], expected: [String]) async throws {
        let runner = ScriptedRunner { command in
            #expect(command.arguments == ["-V"] && command.capabilities == [])
            return CommandResult(.exited(0), output: said)
        }
        let plain = MkfsCommand(.xfs, size: .gibibytes(1), words: words)
        let restrained = try await plain.restrained(by: runner, to: "make a filesystem")
        #expect(restrained.options == expected + plain.options)
    }

    @Test("Only mkfs.xfs is asked for its version", arguments: [FilesystemType.ext4, .btrfs])
    func othersAreNotAsked(filesystem: FilesystemType) async throws {
        let runner = ScriptedRunner { _ in
            Issue.record("nothing is to be run")
            return CommandResult(.exited(0))
        }
        let plain = MkfsCommand(filesystem, size: .gibibytes(1), words: [])
        #expect(try await plain.restrained(by: runner, to: "make a filesystem").options == plain.options)
    }

    /// The words `sb_features_ro_compat` and `sb_features_incompat` of the superblock.
    private func features(of device: String) throws -> (readOnly: UInt32, readWrite: UInt32) {
        let file = open(device, O_RDONLY)
        defer { close(file) }
        var head = [UInt8](repeating: 0, count: 512)
        try #require(file >= 0 && pread(file, &head, head.count, 0) == head.count)
        func word(at offset: Int) -> UInt32 { head[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        return (word(at: 212), word(at: 216))
    }
}

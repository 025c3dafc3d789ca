import FoundationEssentials
import RealParts
import Rig
import SystemPackage
import Testing
import VolumeCore

@testable import NodeStorage

/// Whether e2fsck is started. The judge is e2fsck itself: what is called clean here, it has to call clean as well, and change
/// nothing but the note of when it wrote.
@Suite("What an ext4 says of itself")
struct Ext4LookTests {
    private static let now: UInt64 = 1_800_000_000

    /// An image in memory.
    private struct Disk {
        var bytes: [UInt8]

        func doubt(now: UInt64 = Ext4LookTests.now) -> Ext4Doubt? {
            let head = DiskBytes(bytes.prefix(128 << 10))
            let content = DiskBytes(bytes)
            return Ext4Look(head: head, size: UInt64(bytes.count), now: now).doubt(announce: { _ in }) {
                content.piece(Int($0.lowerBound), $0.count)
            }
        }

        mutating func put(_ new: [UInt8], at place: Int) {
            bytes.replaceSubrange(place..<(place + new.count), with: new)
        }

        mutating func put16(_ value: UInt16, at place: Int) {
            put([UInt8(value & 0xFF), UInt8(value >> 8)], at: place)
        }

        mutating func put32(_ value: UInt32, at place: Int) {
            put((0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }, at: place)
        }

        func get32(_ place: Int) -> UInt32 { DiskBytes(bytes[place..<(place + 4)]).little32(0) }

        /// A field of the superblock.
        mutating func field(_ place: Int, _ new: [UInt8]) {
            put(new, at: 1024 + place)
            seal()
        }

        /// Makes the superblock's checksum right again.
        mutating func seal() {
            var sum = CRC32C()
            sum.add(bytes[1024..<(1024 + 0x3FC)])
            put32(sum.value, at: 1024 + 0x3FC)
        }

        /// The same without s_wtime, s_kbytes_written, s_wtime_hi and s_checksum, which e2fsck writes always.
        var timeless: [UInt8] {
            let places = [0x30..<0x34, 0x178..<0x180, 0x274..<0x275, 0x3FC..<0x400]
            var superblock = DiskBytes(bytes[1024..<2048])
            for place in places { superblock = superblock.zeroed(place) }
            var rest = bytes
            rest.replaceSubrange(1024..<2048, with: superblock.bytes)
            return rest
        }

        /// Where the journal begins: its inode is noted in the superblock, and its first extent begins with its first block.
        var journal: Int { Int(get32(1024 + 0x10C + 20)) << (10 + Int(get32(1024 + 0x18))) }
    }

    private func run(_ body: (LinuxBench, String) async throws -> Void) async throws {
        try await LinuxBench.run("look") { bench in try await body(bench, "\(bench.scratch.path)/disk") }
    }

    private func make(_ bench: LinuxBench, _ file: String, _ size: String = "16M", _ words: [String] = []) async throws
    {
        try await bench.tool("rm", "-f", file)
        try await bench.tool("truncate", "-s", size, file)
        let mkfs = MkfsCommand(.ext4, size: .mebibytes(16), words: words)
        try await bench.tool("mkfs.ext4", arguments: mkfs.options + [file])
    }

    private func disk(_ file: String) throws -> Disk {
        Disk(bytes: try SmallFile.bytes(of: file, limit: 1 << 30))
    }

    @Test("The checksum of RFC 3720")
    func checksum() {
        var sum = CRC32C()
        sum.add(Array("123456789".utf8))
        #expect(~sum.value == 0xE306_9283)
    }

    @Test(
        "What mkfs makes is clean, in every size and shape that volumes have",
        arguments: [
            ("16M", []), ("512M", []), ("300M", ["-b", "1024"]), ("64M", ["-b", "2048"]), ("20G", []),
            ("512M", ["-O", "metadata_csum_seed"]), ("512M", ["-O", "orphan_file"]),
            ("64M", ["-I", "512", "-b", "4096"]),
        ] as [(String, [String])])
    func newIsClean(size: String, words: [String]) async throws {
        try await run { bench, file in
            try await make(bench, file, size, words)
            let look = try Ext4Look.ofFile(file)
            #expect(look == nil)
        }
    }

    @Test(
        "What only e2fsck knows is left to e2fsck",
        arguments: [
            (["-O", "^metadata_csum"], .unknownFeatures), (["-O", "^has_journal"], .unknownFeatures),
            (["-O", "quota"], .unknownFeatures), (["-O", "mmp"], .unknownFeatures),
            (["-O", "meta_bg,^resize_inode"], .unknownFeatures), (["-O", "bigalloc"], .unknownFeatures),
            (["-O", "^64bit"], .unknownFeatures), (["-O", "casefold"], .unknownFeatures),
            (["-O", "fast_commit"], .unknownFeatures), (["-O", "sparse_super2"], .unknownFeatures),
            (["-b", "1024", "-J", "size=200"], .manyExtents),
        ] as [([String], Ext4Doubt)])
    func othersAreNotJudged(words: [String], doubt: Ext4Doubt) async throws {
        try await run { bench, file in
            try await make(bench, file, "600M", words)
            #expect(try Ext4Look.ofFile(file) == doubt)
        }
    }

    /// By the tools of people who administer filesystems.
    @Test(
        "A filesystem that e2fsck would do something about is not clean",
        arguments: [
            ("debugfs", ["-w", "-R", "ssv state 0"], .notUnmounted), ("debugfs", ["-w", "-R", "ssv state 3"], .errors),
            ("debugfs", ["-w", "-R", "ssv state 5"], .orphans),
            ("debugfs", ["-w", "-R", "ssv error_count 1"], .errors),
            ("debugfs", ["-w", "-R", "ssv first_error_line 7"], .errors),
            ("debugfs", ["-w", "-R", "ssv last_error_block 7"], .errors),
            ("debugfs", ["-w", "-R", "ssv last_orphan 12"], .orphans),
            ("debugfs", ["-w", "-R", "feature needs_recovery"], .recovery),
            ("debugfs", ["-w", "-R", "feature orphan_present"], .orphans),
            ("debugfs", ["-w", "-R", "ssv free_blocks_count 1"], .freeCounts),
            ("debugfs", ["-w", "-R", "ssv free_inodes_count 1"], .freeCounts),
            ("debugfs", ["-w", "-R", "ssv first_ino 3"], .implausible),
            ("debugfs", ["-w", "-R", "ssv uuid null"], .implausible),
            ("debugfs", ["-w", "-R", "ssv flags 4"], .unknownFeatures),
            ("debugfs", ["-w", "-R", "sif <8> size 8192"], .journalInode),
            ("debugfs", ["-w", "-R", "sif <8> mode 040755"], .journalInode),
            ("debugfs", ["-w", "-R", "sif <8> flags 0"], .journalInode),
            ("debugfs", ["-w", "-R", "set_bg 0 block_bitmap 99999"], .groups),
            ("tune2fs", ["-c", "5", "-C", "5"], .mountCount), ("tune2fs", ["-c", "5", "-C", "6"], .mountCount),
            ("tune2fs", ["-i", "1d", "-T", "20200101"], .interval),
            ("tune2fs", ["-i", "1d", "-T", "20370101"], .clock),
        ] as [(String, [String], Ext4Doubt)])
    func reasons(tool: String, arguments: [String], doubt: Ext4Doubt) async throws {
        try await run { bench, file in
            try await make(bench, file)
            try await bench.tool(tool, arguments: arguments + [file])
            #expect(try disk(file).doubt() == doubt)
        }
    }

    @Test("What no tool writes is not clean either")
    func torn() async throws {
        try await run { bench, file in
            try await make(bench, file)
            let sound = try disk(file)
            #expect(sound.doubt() == nil)
            let journal = sound.journal
            func expect(_ doubt: Ext4Doubt, _ change: (inout Disk) -> Void, line: Int = #line) {
                var disk = sound
                change(&disk)
                #expect(disk.doubt() == doubt, "line \(line)")
            }
            expect(.noSuperblock) { $0.field(0x38, [0, 0]) }
            expect(.superblockChecksum) { $0.put([UInt8(ascii: "x")], at: 1024 + 0x78) }
            expect(.superblockChecksum) { $0.field(0x175, [2]) }
            expect(.tooLarge) { $0.bytes.removeLast(4096) }
            expect(.copy) { $0.put([0], at: (8193 << 10) + 0x68) }
            expect(.copy) { $0.put([0, 0], at: (8193 << 10) + 0x38) }
            expect(.groups) { $0.put([0xFF], at: 2048 + 0x12) }
            expect(.journal) { $0.put([0], at: journal) }
            expect(.journal) { $0.put([0, 0, 0, 3], at: journal + 4) }
            expect(.journal) { $0.put([0, 0, 0, 0x20], at: journal + 0x28) }
            expect(.recovery) { $0.put([0, 0, 0, 1], at: journal + 0x1C) }
            expect(.errors) { $0.put([0, 0, 0, 5], at: journal + 0x20) }
            expect(.journalInode) { $0.field(0x10C, [0, 0]) }
            for place in 0x278...0x27B { expect(.errors) { $0.field(place, [1]) } }
        }
    }

    @Test("A journal that was in use has a checksum, which counts")
    func usedJournal() async throws {
        try await run { bench, file in
            try await make(bench, file)
            let root = try await bench.mountRoot()
            try await bench.tool("mount", "-o", "loop", file, root)
            try await bench.tool("cp", "/etc/services", root)
            try await bench.tool("umount", root)
            var disk = try disk(file)
            #expect(disk.doubt() == nil)
            disk.put([0xFF], at: disk.journal + 0x18)
            #expect(disk.doubt() == .journal)
        }
    }

    @Test("The dates count from an interval on, and by the clock of the node")
    func dates() async throws {
        try await run { bench, file in
            try await make(bench, file)
            try await bench.tool("tune2fs", "-i", "10d", "-T", "now", file)
            let disk = try disk(file)
            let (checked, written) = (UInt64(disk.get32(1024 + 0x40)), UInt64(disk.get32(1024 + 0x30)))
            #expect(disk.doubt(now: checked - 1) == .clock)
            #expect(disk.doubt(now: written - 1) == .clock)
            #expect(disk.doubt(now: max(checked, written)) == nil)
            #expect(disk.doubt(now: checked + 864_000 - 1) == nil)
            #expect(disk.doubt(now: checked + 864_000) == .interval)
        }
    }

    /// The same changes in every run; those that leave a right checksum are what matters.
    @Test("Whatever else is changed, nothing is called clean that e2fsck would change or refuse")
    func e2fsckAgrees() async throws {
        try await run { bench, file in
            try await make(bench, file)
            let sound = try disk(file)
            var random = SplitMix(state: 17)
            var clean = 0
            for _ in 1...400 {
                var disk = sound
                let journal = sound.journal
                let places = [1024..<2047, 1024..<2047, 1024..<2047, 2048..<2176, journal..<(journal + 256)]
                let place = places[Int(random.next() % UInt64(places.count))]
                for _ in 0...(random.next() % 2) {
                    let offset = place.lowerBound + Int(random.next() % UInt64(place.count))
                    disk.bytes[offset] ^= UInt8(1 << (random.next() % 8))
                }
                disk.seal()
                guard disk.doubt() == nil else { continue }
                clean += 1
                try Data(disk.bytes).write(to: URL(filePath: file))
                let said = try await runTool("e2fsck", ["-p", file])
                #expect(said.succeeded, "\(said.output)")
                #expect(try self.disk(file).timeless == disk.timeless, "\(said.output)")
            }
            #expect(clean > 20, "labels, hints and the like may change")
        }
    }
}

/// Random numbers that are the same everywhere.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

extension Ext4Look {
    /// As the filesystem tools look at a device.
    fileprivate static func ofFile(_ path: String) throws -> Ext4Doubt? {
        let device = try DevicePieces(path)
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        let head = try device.read(0..<UInt64(128 << 10))
        return Ext4Look(head: head, size: UInt64(size), now: 1_800_000_000).doubt(in: device)
    }
}

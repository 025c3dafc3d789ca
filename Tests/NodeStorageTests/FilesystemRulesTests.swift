import Testing

@testable import NodeStorage
@testable import VolumeCore

@Suite struct FilesystemRulesTests {
    private static let verdicts: [(Int32, E2fsckVerdict)] = [
        (0, .sound), (1, .sound), (2, .mapAnew), (3, .mapAnew), (4, .damaged), (5, .damaged),
        (6, .damaged),
        (7, .damaged), (8, .failed), (9, .failed), (12, .failed), (16, .failed), (32, .failed), (128, .failed),
    ]

    @Test(arguments: verdicts)
    func e2fsckBits(_ status: Int32, _ verdict: E2fsckVerdict) {
        #expect(E2fsckVerdict(CommandResult(.exited(status))) == verdict)
    }

    @Test func aKilledCheckSaysNothingOfTheFilesystem() {
        #expect(E2fsckVerdict(CommandResult(.killed(signal: 9))) == .failed)
    }

    @Test func signatures() {
        var head = [UInt8](repeating: 0, count: FilesystemSignature.length)
        #expect(FilesystemSignature(head: head).found == [])
        head[1080] = 0x53
        head[1081] = 0xEF
        #expect(FilesystemSignature(head: head).found == [.ext4])
        head.replaceSubrange(0..<4, with: Array("XFSB".utf8))
        #expect(FilesystemSignature(head: head).found == [.ext4, .xfs])
        #expect(FilesystemSignature(head: Array("XFSB".utf8)).found == [.xfs])
        #expect(FilesystemSignature(head: []).found == [])
        #expect(FilesystemSignature.lack(of: .ext4, [.xfs]) == "it has no ext4, but xfs")
    }

    @Test func mkfsWordsFollowOurs() {
        #expect(
            MkfsCommand(.ext4, size: .mebibytes(512), words: ["-b", "1024"]).options
                == ["-q", "-F", "-m0", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1", "-b", "1024"])
        #expect(
            MkfsCommand(.xfs, size: .mebibytes(512), words: ["-i", "size=1024"]).options
                == ["-q", "-K", "-s", "size=512", "-i", "size=1024"])
        #expect(
            MkfsCommand(.xfs, size: .mebibytes(512), words: ["-s", "size=4096"]).options == [
                "-q", "-K", "-s", "size=4096",
            ])
        #expect(MkfsCommand(.btrfs, size: .mebibytes(512), words: []).options == ["-q", "-K"])
    }

    @Test("B5: a large xfs gets a log of moderate size, unless the user says otherwise")
    func b5LogOfALargeXFS() {
        let large = VolumeSize.gibibytes(1024)
        #expect(MkfsCommand(.xfs, size: .gibibytes(512), words: []).options.contains("-l") == false)
        #expect(MkfsCommand(.xfs, size: large, words: []).options.suffix(2) == ["-l", "size=268435456"])
        #expect(MkfsCommand(.xfs, size: large, words: ["-l", "su=4k"]).options.contains("size=268435456"))
        for words in [["-l", "size=1g"], ["-lsize=1g"], ["-f", "-l", "su=4k,size=1g"]] {
            #expect(MkfsCommand(.xfs, size: large, words: words).options.contains("size=268435456") == false)
        }
    }

    @Test("D3: a large ext4 has its bitmaps in few places, unless the user says otherwise")
    func d3GroupsOfALargeExt4() {
        let large = VolumeSize.gibibytes(16 << 10)
        #expect(MkfsCommand(.ext4, size: .gibibytes(1024), words: []).options.contains("-G") == false)
        #expect(MkfsCommand(.ext4, size: large, words: []).options.contains("1024"))
        for words in [["-G", "64"], ["-G64"], ["-O", "^flex_bg"]] {
            #expect(MkfsCommand(.ext4, size: large, words: words).options.contains("1024") == false)
        }
    }

    @Test func extendedOptionsOfTheUserDoNotReplaceOurs() {
        let options = MkfsCommand(.ext4, size: .mebibytes(512), words: ["-E", "stride=4", "-L", "name", "-Eresize=1T"])
            .options
        #expect(
            options == [
                "-q", "-F", "-m0", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1,stride=4,resize=1T", "-L",
                "name",
            ])
    }

    @Test("C2: what the mounter takes for an option of every filesystem is accepted at Create")
    func c2TheTwoTablesOfGeneralOptionsAgree() {
        let known = Set(MountOptions.bits.keys).union(MountOptions.meaning.keys)
        #expect(known == Set(MountOptionTable.generalNames))
    }

    @Test("C2: a superblock that demands a panic is known")
    func c2SuperblockThatPanics() {
        var head = [UInt8](repeating: 0, count: FilesystemSignature.length)
        #expect(!Ext4Superblock(head: head).panicsOnErrors)
        for (value, panics) in [(1, false), (2, false), (3, true)] as [(UInt8, Bool)] {
            head[1084] = value
            #expect(Ext4Superblock(head: head).panicsOnErrors == panics)
        }
        #expect(!Ext4Superblock(head: []).panicsOnErrors)
    }

    @Test(arguments: ["relative", "", "/", "/a/../b", "/a/./b"])
    func noMountRoot(_ path: String) {
        #expect(throws: VolumeError.self) { try MountRoot(path) }
    }

    @Test(arguments: [
        "/mnt/volumes", "/mnt/volumes/", "/mnt/volumes/..", "/mnt/volumes/../victim", "/mnt/volumes/a/../../b",
        "/mnt/volumes/a//b", "/mnt/volumes/./a", "/mnt/volumesX/a", "/etc", "", "a", "/mnt/volumes/a/",
        "/mnt/volumes/a\0b",
    ])
    func mountpointsElsewhereAreRefused(_ mountpoint: String) throws {
        let root = try MountRoot("/mnt/volumes/")
        let error = #expect(throws: VolumeError.self) { try root.steps(to: mountpoint, for: "unmount it") }
        #expect(error?.code == .invalidName)
        #expect(error?.outcome == .refused)
    }

    @Test func mountpointsBelowTheRootAreTakenApart() throws {
        #expect(try MountRoot("/mnt/volumes").steps(to: "/mnt/volumes/a b", for: "") == ["a b"])
        #expect(try MountRoot("/mnt//volumes/").steps(to: "/mnt/volumes/a/b", for: "") == ["a", "b"])
    }

    @Test func nonZeroBlocksAreJoinedAcrossSmallGapsOnly() {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        bytes[4096 * 2 + 5] = 1
        bytes[4096 * 4] = 1
        bytes[4096 * 40 + 4095] = 1
        bytes[(1 << 20) - 1] = 1
        let runs = NonZeroRuns.split(ImageExtent(offset: 8 << 20, bytes: bytes))
        let base = UInt64(8 << 20)
        #expect(runs.map(\.offset) == [base + 4096 * 2, base + 4096 * 40, base + (1 << 20) - 4096])
        #expect(runs.map(\.bytes.count) == [4096 * 3, 4096, 4096])
        for run in runs {
            let start = Int(run.offset - base)
            #expect(run.bytes == Array(bytes[start..<start + run.bytes.count]))
        }
    }

    @Test func zerosAreNothing() {
        #expect(NonZeroRuns.split(ImageExtent(offset: 0, bytes: [UInt8](repeating: 0, count: 10_000))) == [])
        #expect(NonZeroRuns.split(ImageExtent(offset: 0, bytes: [])) == [])
        #expect(NonZeroRuns.split(ImageExtent(offset: 4096, bytes: [0, 7])).map(\.bytes) == [[0, 7]])
    }
}

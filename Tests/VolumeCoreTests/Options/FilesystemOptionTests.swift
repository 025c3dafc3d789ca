import Testing

@testable import VolumeCore

/// Options of mkfs and mount: what concerns the volume alone is taken, and nothing else.
@Suite struct FilesystemOptionTests {
    private func failure(_ filesystem: FilesystemType, _ option: VolumeOption, _ value: String) -> VolumeError? {
        do {
            _ = try VolumeRequest(
                options: ["pool": "rbd", "fstype": filesystem.rawValue, "size": "1G", option.rawValue: value],
                defaults: VolumeDefaults())
            return nil
        } catch {
            return error
        }
    }

    private func expectRefused(
        _ filesystem: FilesystemType, _ option: VolumeOption, _ value: String, naming word: String
    ) {
        guard let error = failure(filesystem, option, value) else {
            Issue.record("\(filesystem): '\(value)' was taken")
            return
        }
        #expect(error.code == .invalidOption)
        #expect(error.outcome == .refused)
        #expect(error.why.contains("'\(word)'"), "\(error.why)")
        #expect(!error.remedy.isEmpty)
        #expect(error.description.utf8.count < 500)
    }

    /// The words, and the one that the error names.
    private static let harmfulToMkfs: [(FilesystemType, String, String)] = [
        (.ext4, "-d run", "-d"), (.ext4, "-drun", "-d"), (.ext4, "-qd run", "-d"), (.ext4, "-m0 -d etc", "-d"),
        (.ext4, "-J device=sdb", "-J device=sdb"), (.ext4, "-J size=4,device=UUID=x", "-J device=UUID=x"),
        (.ext4, "-l blocks", "-l"), (.ext4, "-z undo", "-z"), (.ext4, "-e panic", "-e panic"),
        (.ext4, "-epanic", "-e panic"), (.ext4, "-E offset=1048576", "-E offset=1048576"),
        (.ext4, "-O journal_dev", "-O journal_dev"), (.ext4, "-m 0 sda", "sda"), (.ext4, "-q -- sda", "--"),
        (.ext4, "-n", "-n"), (.ext4, "-S", "-S"), (.ext4, "-c", "-c"), (.ext4, "-V", "-V"), (.ext4, "-Z", "-Z"),
        (.ext4, "-E magic=1", "-E magic"), (.ext4, "-b", "-b"), (.ext4, "-b 4k/", "4k/"), (.ext4, "-N many", "-N many"),
        (.xfs, "-l logdev=sdb,size=1000b", "-l logdev=sdb"), (.xfs, "-l file,name=x", "-l file"),
        (.xfs, "-d name=sdb", "-d name=sdb"), (.xfs, "-d file,size=1g", "-d file"), (.xfs, "-r rtdev=sdb", "-r"),
        (.xfs, "-p proto", "-p"), (.xfs, "-c options=file", "-c"), (.xfs, "-N", "-N"),
        (.xfs, "-q sdb", "sdb"), (.xfs, "-b size", "-b size"),
        (.btrfs, "-r etc", "-r"), (.btrfs, "--rootdir=etc", "--rootdir etc"), (.btrfs, "--rootdir etc", "--rootdir"),
        (.btrfs, "--root etc", "--root"), (.btrfs, "--shrink", "--shrink"), (.btrfs, "-d raid1 sdb", "sdb"),
        (.btrfs, "-O list-all", "-O list-all"), (.btrfs, "--data single sdb", "sdb"),
    ]

    @Test("C1: a word for mkfs that reaches beyond the volume is refused by its name", arguments: harmfulToMkfs)
    func c1MkfsWordsThatReachBeyondTheVolume(_ filesystem: FilesystemType, _ value: String, _ word: String) {
        // A word with a slash has an error of its own.
        if value.contains("/") {
            #expect(failure(filesystem, .mkfsOptions, value) != nil)
        } else {
            expectRefused(filesystem, .mkfsOptions, value, naming: word)
        }
    }

    private static let goodForMkfs: [(FilesystemType, String)] = [
        (.ext4, ""), (.ext4, "-O mmp"), (.ext4, "-m0 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1"),
        (.ext4, "-O mmp -E mmp_update_interval=5"), (.ext4, "-N 512 -L named"), (.ext4, "-b 1024"), (.ext4, "-b -1024"),
        (.ext4, "-i 8192"), (.ext4, "-m 0.5 -I 256 -G 64"), (.ext4, "-O ^has_journal,quota -E quotatype=usrquota"),
        (.ext4, "-J size=64,location=0"), (.ext4, "-T largefile4"), (.ext4, "-qFm1"), (.ext4, "-e remount-ro"),
        (.ext4, "-E stride=4 -Eresize=1T"), (.ext4, "-O bigalloc -C 65536"), (.ext4, "-U random"),
        (.ext4, "-E root_owner=1:1"), (.ext4, "-t ext4"),
        (.xfs, "-m reflink=1  -q"), (.xfs, "-i size=1024 -L two"), (.xfs, "-s size=4096"), (.xfs, "-f -K"),
        (.xfs, "-l size=64m,su=4k,lazy-count=1"), (.xfs, "-d su=64k,sw=4,agcount=8"), (.xfs, "-n ftype=1"),
        (.xfs, "-l internal,version=2"),
        (.btrfs, "-d single -m dup"), (.btrfs, "--data single --metadata=dup"), (.btrfs, "-L name -n 16k"),
        (.btrfs, "--csum xxhash --nodiscard"), (.btrfs, "-O no-holes,^free-space-tree"), (.btrfs, "--mixed"),
    ]

    @Test("C1: words for mkfs that make this filesystem are taken", arguments: goodForMkfs)
    func c1GoodMkfsWords(_ filesystem: FilesystemType, _ value: String) {
        #expect(failure(filesystem, .mkfsOptions, value) == nil)
    }

    private static let harmfulToMount: [(FilesystemType, String, String)] = [
        (.ext4, "errors=panic", "errors=panic"), (.ext4, "noatime,errors=panic", "errors=panic"),
        (.ext4, "journal_dev=2049", "journal_dev=2049"), (.ext4, "journal_path=x", "journal_path=x"),
        (.ext4, "warn_on_error", "warn_on_error"), (.ext4, "abort", "abort"), (.ext4, "loop=loop0", "loop=loop0"),
        (.ext4, "test_dummy_encryption", "test_dummy_encryption"), (.ext4, "bind", "bind"),
        (.ext4, "remount", "remount"), (.ext4, "x-systemd.automount", "x-systemd.automount"),
        (.ext4, "X-mount.mkdir", "X-mount.mkdir"), (.ext4, "helper=x", "helper=x"), (.ext4, "offset=0", "offset=0"),
        (.ext4, "rshared", "rshared"),
        (.xfs, "logdev=sdb", "logdev=sdb"), (.xfs, "rtdev=sdb", "rtdev=sdb"),
        (.btrfs, "device=sdb", "device=sdb"), (.btrfs, "fatal_errors=panic", "fatal_errors=panic"),
        (.btrfs, "fragment=all", "fragment=all"),
    ]

    @Test("C2: a mount option that reaches beyond the volume is refused by its name", arguments: harmfulToMount)
    func c2MountOptionsThatReachBeyondTheVolume(_ filesystem: FilesystemType, _ value: String, _ word: String) {
        expectRefused(filesystem, .mountOptions, value, naming: word)
    }

    private static let senseless: [(FilesystemType, String, String)] = [
        (.ext4, "bogus", "bogus"), (.ext4, "nonsense=1", "nonsense=1"), (.ext4, "noatime,commit=abc", "commit=abc"),
        (.ext4, "commit", "commit"), (.ext4, "data=fast", "data=fast"), (.ext4, "noatime=1", "noatime=1"),
        (.ext4, "nouuid", "nouuid"), (.xfs, "data=ordered", "data=ordered"), (.xfs, "allocsize=much", "allocsize=much"),
        (.btrfs, "discard=now", "discard=now"), (.btrfs, "nouuid", "nouuid"),
    ]

    @Test("D11: a mount option that the filesystem does not have is refused at Create", arguments: senseless)
    func d11MountOptionsThatAreNone(_ filesystem: FilesystemType, _ value: String, _ word: String) {
        expectRefused(filesystem, .mountOptions, value, naming: word)
    }

    private static let goodForMount: [(FilesystemType, String)] = [
        (.ext4, "noatime,discard"), (.ext4, "noatime,nodev,nosuid,noexec"), (.ext4, "data=writeback,commit=60"),
        (.ext4, "errors=remount-ro"), (.ext4, "errors=continue"), (.ext4, "usrquota,grpquota"),
        (.ext4, "usrjquota=aquota.user,jqfmt=vfsv1"), (.ext4, "barrier=0"), (.ext4, "nobarrier"), (.ext4, "ro"),
        (.ext4, "context=system_u:object_r:container_file_t:s0"), (.ext4, "defaults,_netdev,nofail"),
        (.ext4, "init_itable=10,stripe=1024"), (.ext4, "lazytime,suid,dev,exec"),
        (.xfs, "nouuid,noatime,discard"), (.xfs, "logbsize=256k,logbufs=8,allocsize=64m"), (.xfs, "uquota,pqnoenforce"),
        (.xfs, "norecovery,ro"),
        (.btrfs, "compress=zstd:3,ssd,discard=async"), (.btrfs, "subvol=data,noatime"), (.btrfs, "commit=120"),
        (.btrfs, "compress-force,space_cache=v2,user_subvol_rm_allowed"),
    ]

    @Test("C2: mount options of this filesystem are taken", arguments: goodForMount)
    func c2GoodMountOptions(_ filesystem: FilesystemType, _ value: String) {
        #expect(failure(filesystem, .mountOptions, value) == nil)
    }

    @Test("C2: the refusal of a panic says what to use in its place")
    func c2TheRefusalHasARemedy() {
        for (option, value) in [(VolumeOption.mkfsOptions, "-e panic"), (.mountOptions, "errors=panic")] {
            let error = failure(.ext4, option, value)
            #expect(error?.why.contains("stop the whole host") == true)
            #expect(error?.remedy.contains("remount-ro") == true)
        }
    }

    @Test("C2: of an older record only what reaches beyond the volume is refused")
    func c2OlderRecords() throws {
        let name = try VolumeName("db")
        for (words, isRefused) in [
            (["errors=panic"], true), (["noatime", "journal_dev=2049"], true), (["x-gvfs-show"], true),
            (["noatime"], false), (["an_option_of_next_year=1"], false), ([], false),
        ] as [([String], Bool)] {
            let spec = VolumeSpec(pool: "rbd", mountOptions: words)
            let error: VolumeError?
            do {
                try spec.refuseDangerousOptions(of: name)
                error = nil
            } catch let thrown {
                error = thrown
            }
            #expect((error != nil) == isRefused, "\(words)")
            #expect(error == nil || error?.description.contains("volume forget db") == true)
        }
    }

    /// Its filesystem is not known yet.
    @Test("C2: options for an image that is adopted are not judged by the default filesystem")
    func c2AdoptingJudgesLater() throws {
        let options = ["pool": "rbd", "mount-options": "nouuid", "adopt": "true"]
        #expect(throws: Never.self) { try VolumeRequest(options: options, defaults: VolumeDefaults()) }
        #expect(throws: VolumeError.self) {
            try VolumeRequest(options: options.merging(["fstype": "ext4"]) { $1 }, defaults: VolumeDefaults())
        }
    }
}

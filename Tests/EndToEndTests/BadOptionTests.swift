import FoundationEssentials
import Rig
import Testing

/// Options that cannot be met: refused before anything exists, in words that name the option.
@Suite("Bad options")
struct BadOptionTests {
    /// By option: values that it cannot have.
    private static let values: [(option: String, values: [String])] = [
        (
            "size",
            [
                "0", "-1", "-512M", "1e99", "1e3", "abc", "", " ", "18446744073709551615", "18446744073709551616",
                "9223372036854775807", "17592186044416", "99999999999999999999999999", "4097T", "5P", "0x200", "512X",
                "5.3G", "7", "10K", "512  M", "٥١٢",
            ]
        ),
        ("order", ["0", "11", "26", "-22", "22.0", "abc", "", "255", "256", "4294967318"]),
        ("fstype", ["ext3", "EXT5", "zfs", "ntfs", "", "../ext4", "ext4 -F"]),
        ("pool", ["no-such-pool", "", "-p", "a/b", "rbd@snap", "../rbd"]),
        ("data-pool", ["no-such-pool", "a/b"]),
        ("namespace", ["no-such-namespace", "a/b", "-n"]),
        (
            "features",
            ["everything", "object-map", "fast-diff,exclusive-lock", "striping", "18446744073709551615", "0"]
        ),
        (
            "mkfs-options",
            ["-d /dev/sda", "/dev/sda", "-E /x", "no-option", "-d run", "-J device=sda", "-z undo", "-e panic"]
        ),
        (
            "mount-options",
            [
                "bind", "remount,rw", "loop", "x-mount.mkdir", "-o exec", "errors=panic", "journal_dev=2049",
                "nonsense=1", "commit=abc",
            ]
        ),
        (
            "map-options",
            [
                "explode", "ms_mode=legacy", "queue_depth=64,ip=10.0.0.9", "nocephx_sign_messages", "share", "ro",
                "osd_request_timeout=1", "queue_depth=many",
            ]
        ),
        ("stripe-unit", ["64K", "48K", "0", "2K"]),
        ("stripe-count", ["4", "0", "many"]),
        ("uid", ["root", "-1", "4294967295", ""]),
        ("gid", ["staff", "-1", "4294967295"]),
        ("mode", ["rwx", "0999", "-755", "77777", "u+x"]),
        ("adopt", ["maybe", ""]),
        ("colour", ["red"]),
        ("Sizes", ["5G"]),
        ("mkfs.options", ["-m0"]),
    ]

    @Test("Each is refused by name, and nothing is made")
    func refused() async throws {
        try await Stage.with { stage in
            for (option, values) in Self.values {
                for value in values {
                    let answer = try await stage.client.create(
                        uniqueName("bad"), options: stage.options([option: value]))
                    #expect(!answer.succeeded, "\(option)=\(value)")
                    // "data-pool" is a pool, too.
                    let says = option.split(separator: "-").last ?? ""
                    #expect(answer.error.contains(says), "\(option)=\(value): \(answer.error)")
                }
            }
            try await stage.expectBlank("refused Creates")
            #expect(try await stage.client.list().checked().volumes == [])
        }
    }

    @Test(
        "A volume too small for its filesystem is refused",
        arguments: [("ext4", "7M"), ("xfs", "299M"), ("btrfs", "100M")])
    func tooSmall(filesystem: String, size: String) async throws {
        try await Stage.with { stage in
            let answer = try await stage.client.create(
                uniqueName("small"), options: stage.options(["fstype": filesystem, "size": size]))
            #expect(answer.error.contains("too small"))
            try await stage.expectBlank()
        }
    }

    @Test(
        "The smallest size of each filesystem is enough",
        arguments: [("ext4", "8M"), ("xfs", "300M"), ("btrfs", "256M")])
    func justEnough(filesystem: String, size: String) async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("least", ["fstype": filesystem, "size": size])
            let mountpoint = try await stage.client.mount(name, id: "id").checked().mountpoint
            try write("fits", to: mountpoint + "/file")
            try await stage.client.unmount(name, id: "id").checked()
        }
    }

    @Test(
        "A size beyond what the pool can ever hold is refused at once, with what it can hold",
        arguments: ["100G", "1P", "4P"])
    func beyondThePool(size: String) async throws {
        try await Stage.with { stage in
            for more in [
                [:], ["features": "layering,exclusive-lock,object-map"], ["fstype": "btrfs"],
                ["data-pool": stage.environment.dataPool],
            ] {
                let options = stage.options(["size": size, "fstype": "xfs", "order": "25"]).merging(more) { $1 }
                let answer = try await stage.client.create(uniqueName("huge"), options: options)
                #expect(answer.error.contains("can hold"), "\(answer.error)")
                try await stage.expectBlank("a Create of \(size)")
            }
        }
    }

    @Test("E7: options that are too long are refused by name and length, and nothing is made")
    func e7TooLong() async throws {
        try await Stage.with { stage in
            for bytes in [1025, 700_000] {
                let words = String(repeating: "n", count: bytes)
                let answer = try await stage.client.create(
                    uniqueName("long"), options: stage.options(["mount-options": words]))
                #expect(answer.error.contains("'mount-options' is \(bytes) bytes long"), "\(answer.error)")
            }
            try await stage.expectBlank("Creates with long options")
        }
    }

    @Test("E7: the settings for the largest size and the most volumes are kept to, and named")
    func e7Settings() async throws {
        try await Stage.with(settings: ["RBD_MAX_SIZE": "1G", "RBD_MAX_VOLUMES": "1"]) { stage in
            let options = stage.options(["size": "1025M"])
            let large = try await stage.client.create(uniqueName("large"), options: options)
            #expect(large.error.contains("RBD_MAX_SIZE allows 1G"), "\(large.error)")
            try await stage.expectBlank("a Create that is too large")
            let name = try await stage.volume("only")
            let second = try await stage.client.create(uniqueName("second"), options: stage.options())
            #expect(second.error.contains("RBD_MAX_VOLUMES allows 1"), "\(second.error)")
            try await stage.client.create(name, options: stage.options()).checked()
            try await stage.client.remove(name).checked()
            try await stage.client.remove(try await stage.volume("third")).checked()
            try await stage.expectBlank()
        }
    }

    @Test("D3: a size that the filesystem cannot have is refused at once, with another that can")
    func d3BeyondTheFilesystem() async throws {
        try await Stage.with { stage in
            let answer = try await stage.client.create(uniqueName("huge"), options: stage.options(["size": "100T"]))
            #expect(answer.error.contains("too large for ext4"), "\(answer.error)")
            #expect(answer.error.contains("fstype=xfs"), "\(answer.error)")
            try await stage.expectBlank("a Create of 100T")
        }
    }

    @Test("E10: more objects than can be deleted in hours are refused at once, with what can be done")
    func e10Objects() async throws {
        try await Stage.with { stage in
            let options = stage.options(["size": "1P", "fstype": "xfs", "features": "layering,exclusive-lock"])
            let answer = try await stage.client.create(uniqueName("many"), options: options)
            #expect(answer.error.contains("1P in objects of 2^22 bytes"), "\(answer.error)")
            #expect(answer.error.contains("object-map") && answer.error.contains("order=25"), "\(answer.error)")
            try await stage.expectBlank("a Create of very many objects")
        }
    }

    @Test("A pool that the plugin's client may not use is refused, in words about the key's rights")
    func closedPool() async throws {
        try await Stage.with { stage in
            let name = uniqueName("closed")
            for options in [
                ["pool": stage.environment.closedPool, "namespace": ""], ["data-pool": stage.environment.closedPool],
            ] {
                let answer = try await stage.client.create(name, options: stage.options(options))
                #expect(!answer.succeeded)
                #expect(answer.error.contains("closed"))
                #expect(answer.error.contains("ermission") || answer.error.contains("ermitted"), "\(answer.error)")
            }
            #expect(try await stage.ceph.images(in: stage.environment.closedPool) == [])
            try await stage.waitUntilUnchanged(since: Surroundings(facts: []), after: "a Create in a closed pool")
        }
    }

    @Test("What mkfs refuses is refused in mkfs's own words, and nothing is left")
    func mkfsFails() async throws {
        try await Stage.with { stage in
            let answer = try await stage.client.create(
                uniqueName("mkfs"), options: stage.options(["mkfs-options": "-b 100"]))
            #expect(answer.error.contains("mkfs.ext4"))
            #expect(answer.error.contains("invalid block size"), "\(answer.error)")
            try await stage.expectBlank("a mkfs that failed")
        }
    }

    @Test("What the kernel refuses fails the Mount with the option's name, and the volume is as before")
    func mountFails() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("mount", ["mount-options": "stripe=99999999999"])
            let before = try await stage.surroundings(records: .byKey)
            for id in ["first", "second"] {
                let answer = try await stage.client.mount(name, id: id)
                #expect(!answer.succeeded)
                #expect(answer.error.contains("stripe"), "\(answer.error)")
                try await stage.expectUnchanged(since: before, records: .byKey, after: "a Mount that failed")
            }
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test(
        "E9: a volume of an earlier version with a map option that is the operator's says so at Mount, and can be kept")
    func e9StoredMapOption() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("older", ["map-options": "queue_depth=64"])
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
            let key = "\(stage.prefix)volumes/\(name)"
            let stored = try #require(try await stage.etcd.value(of: key))
            try await stage.etcd.put(key, stored.replacing("queue_depth=64", with: "ms_mode=legacy"))
            let before = try await stage.surroundings(records: .byKey)
            let answer = try await stage.client.mount(name, id: "b")
            #expect(answer.error.contains("'ms_mode=legacy'"), "\(answer.error)")
            #expect(answer.error.contains("rbd-plugin volume forget \(name)"), "\(answer.error)")
            try await stage.expectUnchanged(since: before, records: .byKey, after: "a Mount that was refused")
            try await stage.etcd.put(key, stored)
            try await stage.client.mount(name, id: "b").checked()
            try await stage.client.unmount(name, id: "b").checked()
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }
}

import FoundationEssentials
import Rig
import Testing

/// What `docker volume create -o` can say, and what becomes of it in Ceph, on the disk and in the kernel.
@Suite("Volume options")
struct VolumeOptionTests {
    @Test("Order, features and data pool make the image; mkfs, mount, owner and mode options make the filesystem")
    func all() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume(
                "options",
                [
                    "size": "64M", "order": "20", "features": "layering,exclusive-lock",
                    "data-pool": stage.environment.dataPool, "mkfs-options": "-N 512 -L named",
                    "mount-options": "noatime,nodev", "uid": "999", "gid": "998", "mode": "2750",
                ])
            let info = try await stage.imageInfo(of: name)
            #expect(info["size"] == .integer(64 << 20))
            #expect(info["order"] == 20)
            #expect(info["data_pool"] == .string(stage.environment.dataPool))
            #expect(
                info["features"]?.array.compactMap(\.string).sorted() == ["data-pool", "exclusive-lock", "layering"])

            let mountpoint = try await stage.client.mount(name, id: "id").checked().mountpoint
            let mount = try #require(stage.plugin.kernelState.mount(at: mountpoint))
            #expect(mount.options.isSuperset(of: ["noatime", "nodev"]))
            #expect(try await stat(mountpoint, "%u %g %a") == "999 998 2750")
            let superblock = try await runTool("dumpe2fs", ["-h", mount.source]).checked().output
            #expect(superblock.contains("Filesystem volume name:   named"))
            #expect(superblock.split(separator: "\n").contains { $0.hasPrefix("Inode count:") && $0.hasSuffix(" 512") })
            #expect(names(in: mountpoint).isEmpty)
        }
    }

    @Test(
        "Of a read-only volume containers read all that a dead node had written, and the kernel refuses what they write",
        arguments: ["ext4", "xfs"])
    func readOnly(filesystem: String) async throws {
        try await Stage.with(settings: ["RBD_ALLOW_ADOPT": "true"]) { stage in
            let size = filesystem == "ext4" ? "64" : "300"
            let name = try await stage.volume("writable", ["fstype": filesystem, "size": size])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("once", to: mountpoint + "/file")
            try await runTool("sync", ["--file-system", mountpoint + "/file"]).checked()
            // As a power cut leaves it: with a log that has to be replayed.
            let copy = uniqueName("copy")
            try await stage.ceph.rbd("cp", "--no-progress", stage.image(name), stage.image(copy))
            try await stage.client.unmount(name, id: "a").checked()

            let options = ["adopt": "own", "access": "read-only", "mount-options": "rw,noatime"]
            try await stage.client.create(copy, options: stage.options(options)).checked()
            let there = try await stage.client.mount(copy, id: "b").checked().mountpoint
            #expect(try text(of: there + "/file") == "once")
            let mount = try #require(stage.plugin.kernelState.mount(at: there))
            #expect(mount.options.isSuperset(of: ["ro", "noatime"]), "\(mount.options)")
            let refused = try await runTool("touch", [there + "/other"])
            #expect(!refused.succeeded && refused.error.contains("Read-only file system"), "\(refused.error)")
            let status = try #require(try await stage.client.get(copy).checked().volume?.status)
            #expect(status["access"]?.string == "read-only")
            #expect(try await stage.record(of: copy)?["schema"] == .integer(2))
            let grown = try await stage.operate("volume", "resize", copy, "1G")
            #expect(grown.error.contains("read-only"), "\(grown.error)")
            try await stage.client.unmount(copy, id: "b").checked()
            for volume in [copy, name] { try await stage.client.remove(volume).checked() }
            try await stage.expectBlank()
        }
    }

    @Test(
        "Several mkfs options reach mkfs as several arguments, under both names of the option",
        arguments: ["mkfs-options", "mkfsOptions"])
    func mkfsWords(option: String) async throws {
        try await Stage.with { stage in
            let name = try await stage.volume(
                "words", ["fstype": "xfs", "size": "300M", option: "-i size=1024 -L two"])
            let mountpoint = try await stage.client.mount(name, id: "id").checked().mountpoint
            let info = try await runTool("xfs_info", [mountpoint]).checked().output
            #expect(info.contains("isize=1024"))
        }
    }

    @Test("What the user's container changed about the root stays as it is when no option says otherwise")
    func ownerStays() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("owner")
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try await runTool("chown", ["70:71", mountpoint]).checked()
            try await runTool("chmod", ["0700", mountpoint]).checked()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.mount(name, id: "b").checked()
            #expect(try await stat(mountpoint, "%u %g %a") == "70 71 700")
        }
    }

    @Test("Options are read as people write them, and kept by one name")
    func spellings() async throws {
        try await Stage.with { stage in
            let name = uniqueName("spelled")
            let spelled = [
                "Pool": stage.pool, "nameSpace": stage.namespace, "Size": "0.5 GiB", "fsType": "XFS",
                "mountOptions": "noatime", "mkfs_options": "-i size=1024", "UID": "70",
            ]
            try await stage.client.create(name, options: spelled).checked()
            let info = try await stage.imageInfo(of: name)
            #expect(info["size"] == .integer(512 << 20))
            let mountpoint = try await stage.client.mount(name, id: "id").checked().mountpoint
            let mount = try #require(stage.plugin.kernelState.mount(at: mountpoint))
            #expect(mount.type == "xfs" && mount.options.contains("noatime"))
            #expect(try await runTool("xfs_info", [mountpoint]).checked().output.contains("isize=1024"))
            #expect(try await stat(mountpoint, "%u") == "70")
            let shown = try await stage.client.get(name).checked().volume?.status["options"]
            #expect(shown?["mount-options"] == "noatime" && shown?["fstype"] == "XFS" && shown?["size"] == "0.5 GiB")
            try await stage.client.unmount(name, id: "id").checked()
            // Docker asks so once more when its first call was lost.
            let plain = [
                "size": "512M", "filesystem": "xfs", "mount-options": "noatime", "mkfsOptions": "-i size=1024",
                "uid": "70",
            ]
            try await stage.client.create(name, options: stage.options(plain)).checked()
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("What cannot be meant is refused with what can")
    func suggestions() async throws {
        try await Stage.with { stage in
            for (options, words) in [
                (["sise": "1G"], "did you mean 'size'?"), (["size": "1.3G"], "write 1331M or 1332M"),
                (["size": "1G", "Size": "2G"], "as 'Size' and as 'size'"),
            ] {
                let answer = try await stage.client.create(
                    uniqueName("slip"), options: ["pool": stage.pool].merging(options) { $1 })
                #expect(answer.error.contains(words), "\(answer.error)")
            }
            try await stage.expectBlank("slips of the hand")
        }
    }

    @Test("Help tells what holds by this plugin's settings, whatever else is asked for, and makes nothing")
    func help() async throws {
        try await Stage.with(settings: ["RBD_DEFAULT_SIZE": "48M"]) { stage in
            let options = stage.options(["help": ""]).merging(["colour": "red"]) { $1 }
            let answer = try await stage.client.create(uniqueName("help"), options: options)
            #expect(!answer.succeeded)
            let size = answer.error.split(separator: "\n").first { $0.hasPrefix("  size=SIZE ") }
            #expect(size?.hasSuffix(" Default: 48M.") == true, "\(answer.error)")
            #expect(
                !stage.plugin.log.contains("call failed") && stage.plugin.log.contains("told what options there are"))
            let metrics = try await stage.client.fetch("/metrics").text
            #expect(metrics.contains(#"rbd_plugin_operations_total{operation="create",outcome="ok"} 1"#), "\(metrics)")
            try await stage.expectBlank("a question")
        }
    }

    @Test(
        "Units of size",
        arguments: [("40", 40 << 20), ("40M", 40 << 20), ("1.5G", 1536 << 20), ("2Gi", 2 << 30), ("40 GB", 40 << 30)])
    func sizes(text: String, bytes: Int64) async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("size", ["size": text])
            let info = try await stage.imageInfo(of: name)
            #expect(info["size"] == .integer(bytes))
            try await stage.client.mount(name, id: "id").checked()
            try await stage.client.unmount(name, id: "id").checked()
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("A Create without any option takes everything from the settings", arguments: [true, false])
    func defaults(sendingNull: Bool) async throws {
        let settings = [
            "RBD_DEFAULT_POOL": "other", "RBD_DEFAULT_SIZE": "48M", "RBD_DEFAULT_ORDER": "21",
            "RBD_DEFAULT_FEATURES": "Layering", "RBD_DEFAULT_FSTYPE": "EXT4",
        ]
        try await Stage.with(settings: settings) { stage in
            let name = uniqueName("defaults")
            try await stage.client.create(name, options: sendingNull ? nil : [:]).checked()
            let info = try JSONValue(
                parsing: await stage.ceph.rbd("info", "--format", "json", "\(stage.environment.otherPool)/\(name)"))
            #expect(info["size"] == .integer(48 << 20))
            #expect(info["order"] == 21)
            #expect(info["features"] == ["layering"])
            let mountpoint = try await stage.client.mount(name, id: "id").checked().mountpoint
            #expect(stage.plugin.kernelState.mount(at: mountpoint)?.type == "ext4")
            try await stage.client.unmount(name, id: "id").checked()
            try await stage.client.remove(name).checked()
            #expect(try await !stage.ceph.exists(name, in: stage.environment.otherPool))
        }
    }

    @Test("Volumes without mkfs and mount options of their own get those of the settings for their filesystem")
    func defaultWords() async throws {
        let settings = [
            "RBD_DEFAULT_MKFS_OPTIONS": "ext4:-N 512",
            "RBD_DEFAULT_MOUNT_OPTIONS": "ext4:noatime,commit=30;xfs:noatime",
        ]
        try await Stage.with(settings: settings) { stage in
            for (options, type, inForce) in [
                ([:], "ext4", ["noatime", "commit=30"]), (["fstype": "xfs", "size": "300M"], "xfs", ["noatime"]),
                (["mount-options": "nodiratime"], "ext4", ["nodiratime", "relatime"]),
            ] as [([String: String], String, [String])] {
                let name = try await stage.volume("words", options)
                let mountpoint = try await stage.client.mount(name, id: "id").checked().mountpoint
                let mount = try #require(stage.plugin.kernelState.mount(at: mountpoint))
                let all = mount.options
                #expect(mount.type == type && all.isSuperset(of: inForce), "\(all)")
                if type == "ext4" {
                    let superblock = try await runTool("dumpe2fs", ["-h", mount.source]).checked().output
                    let inodes = superblock.split(separator: "\n").first { $0.hasPrefix("Inode count:") }
                    #expect(inodes?.hasSuffix(" 512") == true)
                }
                try await stage.client.unmount(name, id: "id").checked()
                try await stage.client.remove(name).checked()
            }
            try await stage.expectBlank()
        }
    }

    @Test("Without a default, the size is 512 MiB and the pool has to be named")
    func builtInDefaults() async throws {
        try await Stage.with { stage in
            let name = uniqueName("plain")
            #expect(try await stage.client.create(name, options: nil).error.contains("pool"))
            #expect(try await stage.client.create(name, options: [:]).error.contains("RBD_DEFAULT_POOL"))
            try await stage.expectBlank("Creates without a pool")
            try await stage.client.create(name, options: ["pool": stage.pool, "namespace": stage.namespace]).checked()
            let info = try await stage.imageInfo(of: name)
            #expect(info["size"] == .integer(512 << 20))
            #expect(info["order"] == 22)
        }
    }
}

import FoundationEssentials
import Glibc
import Rig
import Testing

/// `rbd-plugin backup import` on real Ceph, against Ceph's own tools.
@Suite("Backups become volumes")
struct BackupImportTests {
    /// A volume with some content and a snapshot, and what 'rbd export-diff' makes of that.
    private func backup(
        _ stage: Stage, _ options: [String: String] = ["fstype": "ext4", "size": "48"], megabytes: Int = 3
    ) async throws -> (source: String, file: String) {
        let name = try await stage.volume("source", options)
        let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
        try write(randomBytes(megabytes << 20), to: mountpoint + "/file")
        try await stage.client.unmount(name, id: "a").checked()
        try await stage.operate("snapshot", "create", name, "sunday").checked()
        let file = stage.scratchFile("backup")
        _ = try await stage.ceph.rbd("export-diff", "--no-progress", "\(stage.image(name))@sunday", file)
        return (name, file)
    }

    private func place(_ stage: Stage) -> [String] {
        ["-o", "pool=\(stage.pool)", "-o", "namespace=\(stage.namespace)"]
    }

    private func remove(_ names: [String], _ stage: Stage) async throws {
        for name in names {
            try await stage.operate("snapshot", "rm", name, "sunday").checked()
            try await stage.client.remove(name).checked()
        }
    }

    @Test("What 'rbd export-diff' has written becomes the same volume, sparse as it was, which can be used and removed")
    func whole() async throws {
        try await Stage.with { stage in
            let (source, file) = try await backup(stage)
            let name = uniqueName("restored")
            let sum = try await runTool("sha256sum", [file]).checked().output.prefix { $0 != " " }
            let said = try await stage.operate(
                ["backup", "import", name, "--sha256", String(sum)] + place(stage) + ["-o", "mount-options=noatime"],
                reading: file
            ).checked()
            #expect(
                said.output == "Made volume \(name) (48M, ext4).\n" && said.error.contains("100 % imported"), "\(said)")
            try await stage.expectSame("\(stage.image(source))@sunday", stage.image(name))
            try await stage.expectSame("\(stage.image(source))@sunday", "\(stage.image(name))@sunday")
            let sizes = (
                try await stage.ceph.allocated("\(stage.image(source))@sunday"),
                try await stage.ceph.allocated(stage.image(name))
            )
            #expect(sizes.1 <= sizes.0 + (4 << 20), "\(sizes)")
            let record = try #require(try await stage.record(of: name))
            #expect(record["phase"] == "ready" && record["spec"]?["mountOptions"] == ["noatime"])
            #expect(record["spec"]?["size"] == 50_331_648 && record["options"]?["adopt"] == nil)

            let mountpoint = try await stage.client.mount(name, id: "b").checked().mountpoint
            #expect(try read(mountpoint + "/file").count == 3 << 20)
            try write("new", to: mountpoint + "/new")
            try await stage.client.unmount(name, id: "b").checked()
            try await remove([source, name], stage)
            try await stage.expectBlank("what was imported is removed")
        }
    }

    @Test("xfs, striped and to another object size: the content is the same", arguments: ["xfs", "ext4"])
    func layouts(_ filesystem: String) async throws {
        try await Stage.with { stage in
            let size = filesystem == "xfs" ? "400" : "40"
            let (source, file) = try await backup(stage, ["fstype": filesystem, "size": size], megabytes: 1)
            let name = uniqueName("restored")
            if filesystem == "xfs" {
                let refused = try await stage.operate(
                    ["backup", "import", name, file, "-o", "fstype=ext4"] + place(stage))
                #expect(refused.status == 1 && refused.error.contains("it has xfs"), "\(refused)")
            }
            let said = try await stage.operate(
                ["backup", "import", name, file, "--no-progress"] + place(stage)
                    + ["-o", "order=20", "-o", "stripe-unit=65536", "-o", "stripe-count=4"]
            ).checked()
            #expect(said.output.contains("(\(size)M, \(filesystem))") && said.error.isEmpty, "\(said)")
            try await stage.expectSame("\(stage.image(source))@sunday", stage.image(name))
            _ = try await stage.client.mount(name, id: "b").checked()
            try await stage.client.unmount(name, id: "b").checked()
            try await remove([source, name], stage)
        }
    }

    @Test("A backup that is cut or broken anywhere, or is none, leaves neither an image nor a record")
    func broken() async throws {
        try await Stage.with { stage in
            let (source, file) = try await backup(stage, megabytes: 1)
            let whole = try read(file)
            let before = try await stage.surroundings()
            func refuse(_ bytes: [UInt8], _ arguments: [String] = [], says: String, _ occasion: String) async throws {
                let broken = stage.scratchFile("broken")
                try write(bytes, to: broken)
                let name = uniqueName("broken")
                let result = try await stage.operate(
                    ["backup", "import", name] + arguments + place(stage), reading: broken)
                #expect(result.status == 1 && result.error.contains(says), "\(occasion): \(result)")
                unlink(broken)
            }
            // Any kilobyte, and the last one as well as the first ones.
            let kilobytes = (1..<whole.count / 1024).shuffled().prefix(8) + [1, whole.count / 1024]
            for kilobyte in kilobytes {
                try await refuse([UInt8](whole.prefix(kilobyte * 1024)), says: "cut off", "cut after \(kilobyte) KiB")
            }
            for length in [5, 12, 20, 40, whole.count - 1] {
                try await refuse([UInt8](whole.prefix(length)), says: "cut off", "cut after \(length) bytes")
            }
            try await refuse([], says: "it is empty", "nothing")
            try await refuse(randomBytes(4096), says: "does not begin", "garbage")
            try await refuse(whole + [0], says: "something comes after its end", "more")
            try await refuse(
                whole, ["--sha256", String(repeating: "0", count: 64)], says: "its SHA-256 is", "another checksum")
            try await refuse(whole, ["-o", "fstype=xfs"], says: "too small for xfs", "another filesystem")
            // Whole, but nothing that a volume can be.
            let blank = stage.image(uniqueName("blank"))
            let blankFile = stage.scratchFile("blank")
            _ = try await stage.ceph.rbd("create", "--size", "32", blank)
            _ = try await stage.ceph.rbd("export-diff", "--no-progress", blank, blankFile)
            _ = try await stage.ceph.rbd("rm", "--no-progress", blank)
            try await refuse(try read(blankFile), says: "it has no filesystem", "a blank image")
            try await stage.expectUnchanged(since: before, after: "backups that cannot be used")
            try await remove([source], stage)
        }
    }

    @Test("What is there already, and what is no whole backup, is refused before anything is written")
    func refused() async throws {
        try await Stage.with { stage in
            let (source, file) = try await backup(stage, megabytes: 1)
            _ = try await stage.ceph.rbd("snap", "create", "--no-progress", "\(stage.image(source))@monday")
            let changed = stage.scratchFile("changed")
            _ = try await stage.ceph.rbd(
                "export-diff", "--no-progress", "--from-snap", "sunday", "\(stage.image(source))@monday", changed)
            _ = try await stage.ceph.rbd("create", "--size", "32", stage.image("somebodys"))
            let before = try await stage.surroundings()
            for (arguments, says) in [
                ([source, file], "there is a volume of that name"),
                (["somebodys", file], "exists that no volume owns"),
                (["new", changed], "only what has changed since snapshot sunday"),
                (["new", file, "-o", "size=1G"], "the option size has no meaning"),
                (["new", file, "-o", "colour=red"], "is not known"),
                (["new", file, "-o", "policy=none"], "there is no policy none"),
                (["new", file, "-o", "data-pool=nowhere"], "there is no such pool"),
                (["new", file, "-o", "size"], "NAME=VALUE"),
                (["new", file, "--sha256", "123"], "64 hexadecimal digits"),
                (["new", "/no/such/file"], "No such file"),
                (["../new", file], "name"),
            ] {
                let result = try await stage.operate(["backup", "import"] + arguments + place(stage))
                #expect(result.status != 0 && result.error.contains(says), "\(arguments): \(result)")
            }
            try await stage.expectUnchanged(since: before, after: "refused imports")
            _ = try await stage.ceph.rbd("snap", "rm", "--no-progress", "\(stage.image(source))@monday")
            try await remove([source], stage)
        }
    }

    @Test("An import that is interrupted takes back what it has begun; one that is killed leaves its name free")
    func interrupted() async throws {
        try await Stage.with { stage in
            let (source, file) = try await backup(stage, megabytes: 8)
            let before = try await stage.surroundings()
            for number in [SIGINT, SIGTERM, SIGKILL] {
                let (name, pipe, log) = (uniqueName("half"), try stage.namedPipe("pipe"), stage.scratchFile("log"))
                // The second half never comes.
                let script = #"exec 3> "$1"; head -c 4000000 "$2" >&3; while [ ! -e "$1.go" ]; do sleep 0.1; done"#
                let feeder = Task { try await runTool("sh", ["-c", script, "sh", pipe, file], within: .seconds(120)) }
                let half = try stage.begin(["backup", "import", name, pipe] + place(stage), log: log)
                let unfinished = "rbd-plugin.creating."
                try await eventually("the import to have begun", within: .seconds(60)) {
                    let images = try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)")
                    return images.contains { $0.hasPrefix(unfinished) }
                }
                half.signal(number)
                let ending = try await half.waitForEnd(within: .seconds(90))
                try write("", to: pipe + ".go")
                try await feeder.value.checked()
                #expect(try await stage.record(of: name) == nil)
                if number == SIGKILL {
                    #expect(ending == .signalled(SIGKILL))
                    let images = try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)")
                    // By its name the plugins know that it is nobody's.
                    #expect(images.count { $0.hasPrefix(unfinished) } == 1 && images.count == 2, "\(images)")
                    try await stage.operate(["backup", "import", name, file] + place(stage)).checked()
                    try await remove([name], stage)
                } else {
                    let said = try text(of: log)
                    #expect(ending == .exited(130), "\(said)")
                    try await stage.expectUnchanged(since: before, after: "an import that was interrupted")
                }
            }
            try await remove([source], stage)
        }
    }

    @Test("What one plugin has exported another one imports, with the policy of its cluster")
    func ownRoundTrip() async throws {
        try await Stage.with { stage in
            let (source, _) = try await backup(stage, megabytes: 2)
            let name = uniqueName("restored")
            let policy = stage.scratchFile("policy")
            try write(
                #"{"create": {"pool": "\#(stage.pool)", "max-size": "47M"}, "runtime": {"iops": 500}}"#, to: policy)
            try await stage.operate(["policy", "upload", "gold"], reading: policy).checked()
            let file = stage.scratchFile("own")
            try await stage.operate("backup", "export", "\(source)@sunday", file).checked()
            let arguments = ["backup", "import", name, file, "-o", "policy=gold", "-o", "namespace=\(stage.namespace)"]
            let large = try await stage.operate(arguments)
            #expect(large.status == 1 && large.error.contains("policy gold allows 47M"), "\(large)")
            try write(
                #"{"create": {"pool": "\#(stage.pool)", "max-size": "48M"}, "runtime": {"iops": 500}}"#, to: policy)
            try await stage.operate(["policy", "upload", "gold"], reading: policy).checked()
            try await stage.operate(arguments).checked()
            #expect(try await stage.record(of: name)?["policy"] == "gold")
            try await stage.expectSame("\(stage.image(source))@sunday", stage.image(name))
            try await remove([source, name], stage)
        }
    }
}

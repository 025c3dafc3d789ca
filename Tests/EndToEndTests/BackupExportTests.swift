import FoundationEssentials
import Glibc
import Rig
import Testing

/// `rbd-plugin backup export` on real Ceph, against Ceph's own tools.
@Suite("Backups are written")
struct BackupExportTests {
    @Test(
        "What is exported while a container writes, whole and since a snapshot, makes the same image with 'rbd import-diff'"
    )
    func roundTrip() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("db", ["fstype": "ext4", "size": "64"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write(randomBytes(5 << 20), to: mountpoint + "/kept")
            try write(randomBytes(9 << 20), to: mountpoint + "/deleted")
            try await stage.operate("snapshot", "create", name, "sunday").checked()
            let script = "while [ -e \"$1\" ]; do head -c 300000 /dev/urandom > \"$2/busy\" && sync \"$2/busy\"; done"
            try write("", to: stage.plugin.scratch.path + "/go-on")
            let writer = Task { [path = stage.plugin.scratch.path] in
                try await runTool("sh", ["-c", script, "sh", path + "/go-on", mountpoint], within: .seconds(300))
            }
            let (whole, changed) = (stage.scratchFile("whole"), stage.scratchFile("changed"))
            let first = try await stage.operate("backup", "export", "\(name)@sunday", whole).checked()
            try FileManager.default.removeItem(atPath: mountpoint + "/deleted")
            try write(randomBytes(1 << 20), to: mountpoint + "/new")
            // What is given back to Ceph is a hole in what has changed.
            try await runTool("fstrim", [mountpoint]).checked()
            try await stage.operate("snapshot", "create", name, "monday").checked()
            let second = try await stage.operate(
                "backup", "export", "\(name)@monday", "--from", "\(name)@sunday", "--no-progress", changed
            ).checked()
            try FileManager.default.removeItem(atPath: stage.plugin.scratch.path + "/go-on")
            try await writer.value.checked()

            #expect(first.output.isEmpty && first.error.contains("100 % exported\n"), "\(first.error)")
            #expect(second.error.split(separator: "\n").count == 1, "\(second.error)")
            for (said, file) in [(first.error, whole), (second.error, changed)] {
                let line = try #require(said.split(separator: "\n").last)
                let expected = try await runTool("sha256sum", [file]).checked().output
                #expect(line + "\n" == expected)
            }

            try await expectTaken([whole, changed], as: name, stage)
            try await expectPipe(name, whole, stage)
            try await stage.client.unmount(name, id: "a").checked()
            for snapshot in ["sunday", "monday"] { try await stage.operate("snapshot", "rm", name, snapshot).checked() }
            try await stage.client.remove(name).checked()
        }
    }

    /// 'rbd import-diff' makes of them, one on top of the other, what the volume's snapshots are.
    private func expectTaken(_ files: [String], as name: String, _ stage: Stage) async throws {
        let copy = stage.image(uniqueName("copy"))
        _ = try await stage.ceph.rbd("create", "--size", "8", copy)
        for file in files { _ = try await stage.ceph.rbd("import-diff", "--no-progress", file, copy) }
        for snapshot in ["sunday", "monday"] {
            try await stage.expectSame("\(stage.image(name))@\(snapshot)", "\(copy)@\(snapshot)")
        }
        let theirs = stage.scratchFile("theirs")
        _ = try await stage.ceph.rbd(
            "export-diff", "--no-progress", "--from-snap", "sunday", "\(stage.image(name))@monday", theirs)
        let second = stage.image(uniqueName("copy"))
        _ = try await stage.ceph.rbd("create", "--size", "8", second)
        _ = try await stage.ceph.rbd("import-diff", "--no-progress", files[0], second)
        _ = try await stage.ceph.rbd("import-diff", "--no-progress", theirs, second)
        try await stage.expectSame("\(copy)@monday", "\(second)@monday")
        for image in [copy, second] { _ = try await stage.ceph.rbd("snap", "purge", "--no-progress", image) }
    }

    /// A pipe gets the same bytes as a file.
    private func expectPipe(_ name: String, _ whole: String, _ stage: Stage) async throws {
        let command = #""$0" backup export "$1@sunday" - 2> "$2" | cmp - "$3" && tail -n 1 "$2""#
        let own = stage.plugin.settings.variables(for: stage.environment, stateFolder: stage.plugin.stateFolder)
        let piped = try await runTool(
            "sh", ["-c", command, try PluginProcess.executable(), name, stage.scratchFile("said"), whole],
            settings: own.mapValues { $0 }, within: .seconds(120)
        ).checked()
        let sum = try await runTool("sha256sum", [whole]).checked().output.prefix { $0 != " " }
        #expect(piped.output == "\(sum)  -\n", "\(piped)")
    }

    @Test("Striped images and objects of other sizes are exported as they are")
    func striped() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume(
                "striped", ["fstype": "ext4", "size": "40", "order": "20", "stripe-unit": "65536", "stripe-count": "4"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write(randomBytes(3 << 20), to: mountpoint + "/file")
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.operate("snapshot", "create", name, "s").checked()
            let file = stage.scratchFile("striped")
            try await stage.operate("backup", "export", "\(name)@s", file).checked()
            let copy = stage.image(uniqueName("copy"))
            _ = try await stage.ceph.rbd("create", "--size", "8", copy)
            _ = try await stage.ceph.rbd("import-diff", "--no-progress", file, copy)
            try await stage.expectSame("\(stage.image(name))@s", "\(copy)@s")
            _ = try await stage.ceph.rbd("snap", "purge", "--no-progress", copy)
            try await stage.operate("snapshot", "rm", name, "s").checked()
            try await stage.client.remove(name).checked()
        }
    }

    @Test("A clone is exported with what it has from the volume that it was made of")
    func clone() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("parent", ["fstype": "ext4", "size": "48"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write(randomBytes(3 << 20), to: mountpoint + "/theirs")
            try await stage.client.unmount(name, id: "a").checked()
            let clone = uniqueName("clone")
            try await stage.client.create(clone, options: ["from": name]).checked()
            let there = try await stage.client.mount(clone, id: "b").checked().mountpoint
            try write(randomBytes(1 << 20), to: there + "/own")
            try await stage.client.unmount(clone, id: "b").checked()
            try await stage.operate("snapshot", "create", clone, "s").checked()
            let file = stage.scratchFile("clone")
            try await stage.operate("backup", "export", "\(clone)@s", file).checked()
            let copy = stage.image(uniqueName("copy"))
            _ = try await stage.ceph.rbd("create", "--size", "8", copy)
            _ = try await stage.ceph.rbd("import-diff", "--no-progress", file, copy)
            try await stage.expectSame("\(stage.image(clone))@s", "\(copy)@s")
            _ = try await stage.ceph.rbd("snap", "purge", "--no-progress", copy)
            try await stage.operate("snapshot", "rm", clone, "s").checked()
            try await stage.client.remove(clone).checked()
            try await eventually("the parent to be free", within: .seconds(60)) {
                try await stage.client.remove(name).succeeded
            }
        }
    }

    @Test("What cannot be exported is refused in a sentence, and no file is made or changed")
    func refused() async throws {
        try await Stage.with(started: true) { stage in
            let name = try await stage.volume("db")
            for snapshot in ["one", "two"] { try await stage.operate("snapshot", "create", name, snapshot).checked() }
            let (file, there) = (stage.scratchFile("none"), stage.scratchFile("there"))
            try write("mine", to: there)
            for (arguments, says) in [
                (["\(name)@three", file], "there is no snapshot three"),
                (["\(name)@two", "--from", "three", file], "there is no snapshot three"),
                (["\(name)@one", "--from", "two", file], "snapshot two was not taken before it"),
                (["\(name)@one", "--from", "one", file], "snapshot one was not taken before it"),
                (["\(name)@two", "--from", "other@one", file], "not of '\(name)'"),
                (["nobody@one", file], "there is no such volume"),
                ([name, file], "VOLUME@SNAPSHOT"),
                (["\(name)@one", there], "exists"),
                (["\(name)@one", stage.plugin.scratch.path + "/no/such/folder/file"], "No such file or directory"),
            ] {
                let result = try await stage.operate(["backup", "export"] + arguments)
                #expect(result.status != 0 && result.error.contains(says), "\(arguments): \(result)")
                #expect(!exists(file), "\(arguments)")
            }
            #expect(try text(of: there) == "mine")
            let full = try await stage.operate("backup", "export", "\(name)@one", "/dev/full")
            #expect(full.status == 1 && full.error.contains("No space left"), "\(full)")
            for snapshot in ["one", "two"] { try await stage.operate("snapshot", "rm", name, snapshot).checked() }
            try await stage.client.remove(name).checked()
        }
    }

    @Test("A snapshot that is removed while it is exported makes the export fail, and what it wrote is no whole backup")
    func removedMeanwhile() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("db", ["fstype": "ext4", "size": "64"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write(randomBytes(30 << 20), to: mountpoint + "/file")
            try await stage.operate("snapshot", "create", name, "s").checked()
            let (pipe, log, file) = (try stage.namedPipe("pipe"), stage.scratchFile("log"), stage.scratchFile("cut"))
            let export = try stage.begin(["backup", "export", "\(name)@s", pipe], log: log)
            let reader = try await Self.slowReader(of: pipe, into: file)
            try await stage.operate("snapshot", "rm", name, "s").checked()
            try write("", to: file + ".go")
            #expect(try await export.waitForEnd(within: .seconds(60)) == .exited(1))
            try await reader.value.checked()
            let said = try text(of: log)
            #expect(said.contains("snapshot s has been removed meanwhile"), "\(said)")
            let before = try await stage.surroundings()
            let imported = try await stage.operate(
                "backup", "import", uniqueName("cut"), file, "-o", "pool=\(stage.pool)")
            #expect(imported.status == 1 && imported.error.contains("cut off"), "\(imported)")
            try await stage.expectUnchanged(since: before, after: "the import of what was cut")
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()
        }
    }

    @Test("An export that Ceph does not answer says so, goes on as soon as it does, and has lost nothing")
    func hung() async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig, settings: ["CEPH_TIMEOUT": "2s"]) { stage in
                let name = uniqueName("db")
                try await stage.client.create(name, options: ["pool": rig.otherPool, "size": "64"]).checked()
                let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
                try write(randomBytes(30 << 20), to: mountpoint + "/file")
                try await stage.client.unmount(name, id: "a").checked()
                try await stage.operate("snapshot", "create", name, "s").checked()
                let whole = stage.scratchFile("whole")
                try await stage.operate("backup", "export", "\(name)@s", whole).checked()
                let (pipe, log, file) = (
                    try stage.namedPipe("pipe"), stage.scratchFile("log"), stage.scratchFile("late")
                )
                let export = try stage.begin(["backup", "export", "\(name)@s", pipe], log: log)
                let reader = try await Self.slowReader(of: pipe, into: file)
                try await HungPoolTests.hanging(rig.otherPool, of: stage.ceph) {
                    try write("", to: file + ".go")
                    try await eventually("the export to say that it waits", within: .seconds(60)) {
                        try text(of: log).contains("Ceph does not answer; still trying")
                    }
                }
                #expect(try await export.waitForEnd(within: .seconds(120)) == .exited(0))
                try await reader.value.checked()
                #expect(try await runTool("cmp", [whole, file]).status == 0)
                try await eventually("the snapshot to be removed", within: .seconds(60)) {
                    try await stage.operate("snapshot", "rm", name, "s").succeeded
                }
                try await stage.client.remove(name).checked()
            }
        }
    }

    /// Reads the beginning of a pipe, and the rest when the file's companion `.go` is there.
    private static func slowReader(of pipe: String, into file: String) async throws -> Task<ToolResult, any Error> {
        let script =
            #"exec 3< "$1"; head -c 100 <&3 > "$2"; touch "$2.begun"; while [ ! -e "$2.go" ]; do sleep 0.1; done; cat <&3 >> "$2""#
        let reader = Task { try await runTool("sh", ["-c", script, "sh", pipe, file], within: .seconds(300)) }
        try await eventually("the export to have begun", within: .seconds(60)) { exists(file + ".begun") }
        return reader
    }

    @Test("An export that is interrupted ends at once and leaves no file, also when nobody reads what it writes")
    func interrupted() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("db", ["fstype": "ext4", "size": "64"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write(randomBytes(8 << 20), to: mountpoint + "/file")
            try await stage.operate("snapshot", "create", name, "s").checked()
            for number in [SIGINT, SIGTERM] {
                let (pipe, log) = (try stage.namedPipe("pipe"), stage.scratchFile("log"))
                let file = try FileManager.default.openForReading(pipe)
                let export = try stage.begin(["backup", "export", "\(name)@s", pipe], log: log)
                try await eventually("the export to have begun", within: .seconds(60)) {
                    try text(of: log).contains("% exported")
                }
                export.signal(number)
                #expect(try await export.waitForEnd(within: .seconds(60)) == .exited(130))
                close(file)
            }
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.operate("snapshot", "rm", name, "s").checked()
            try await stage.client.remove(name).checked()
        }
    }
}

extension FileManager {
    /// A descriptor of a pipe that is read by nobody else: opening it for writing does not wait then.
    fileprivate func openForReading(_ path: String) throws -> CInt {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw RigFailure("cannot open \(path)") }
        return descriptor
    }
}

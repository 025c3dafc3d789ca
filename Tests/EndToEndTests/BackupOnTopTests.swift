import FoundationEssentials
import Glibc
import Rig
import Testing

/// `rbd-plugin backup import --on-top` on real Ceph.
@Suite("Backups go on top of each other")
struct BackupOnTopTests {
    /// A volume with three snapshots, what each is more than the one before it, and a volume that is made of the first.
    private struct Chain {
        let source: String
        let restored: String
        let files: [String]
        static let snapshots = ["sunday", "monday", "tuesday"]

        init(_ stage: Stage, size: String = "48") async throws {
            source = try await stage.volume("source", ["fstype": "ext4", "size": size])
            restored = uniqueName("restored")
            var files: [String] = []
            for (index, snapshot) in Self.snapshots.enumerated() {
                let mountpoint = try await stage.client.mount(source, id: "a").checked().mountpoint
                try write(randomBytes(6 << 20), to: mountpoint + "/\(snapshot)")
                if index == 1 {
                    try FileManager.default.removeItem(atPath: mountpoint + "/sunday")
                    try await runTool("fstrim", [mountpoint]).checked()
                }
                try await stage.client.unmount(source, id: "a").checked()
                try await stage.operate("snapshot", "create", source, snapshot).checked()
                let file = stage.scratchFile(snapshot)
                let from = index == 0 ? [] : ["--from", Self.snapshots[index - 1]]
                try await stage.operate(["backup", "export", "\(source)@\(snapshot)", file] + from).checked()
                files.append(file)
            }
            self.files = files
            try await stage.operate(
                "backup", "import", restored, files[0], "-o", "pool=\(stage.pool)", "-o", "namespace=\(stage.namespace)"
            ).checked()
        }

        func onTop(_ file: String, _ stage: Stage, _ others: [String] = []) async throws -> ToolResult {
            try await stage.operate(["backup", "import", restored, file, "--on-top"] + others)
        }

        func expect(_ snapshot: String, _ stage: Stage, sourceLocation: SourceLocation = #_sourceLocation) async throws
        {
            try await stage.expectSame(
                "\(stage.image(source))@\(snapshot)", stage.image(restored), sourceLocation: sourceLocation)
        }

        func remove(_ stage: Stage) async throws {
            for name in [source, restored] {
                _ = try await stage.ceph.rbd("snap", "purge", "--no-progress", stage.image(name))
                try await stage.client.remove(name).checked()
            }
        }
    }

    @Test("What has changed goes on top, from a file and from a pipe, and each step is the same as where it comes from")
    func chain() async throws {
        try await Stage.with { stage in
            let chain = try await Chain(stage)
            let said = try await chain.onTop(chain.files[1], stage).checked().output
            #expect(said == "Volume \(chain.restored) is what it was in snapshot monday of the backup.\n", "\(said)")
            try await chain.expect("monday", stage)
            let piped = try await stage.operateThroughPipe(
                ["backup", "import", chain.restored, "--on-top", "-"], reading: chain.files[2])
            #expect(piped.succeeded, "\(piped)")
            try await chain.expect("tuesday", stage)
            for snapshot in Chain.snapshots {
                try await stage.expectSame(
                    "\(stage.image(chain.source))@\(snapshot)", "\(stage.image(chain.restored))@\(snapshot)")
            }
            let mountpoint = try await stage.client.mount(chain.restored, id: "a").checked().mountpoint
            #expect(names(in: mountpoint).contains("tuesday") && !names(in: mountpoint).contains("sunday"))
            try await stage.client.unmount(chain.restored, id: "a").checked()
            try await chain.remove(stage)
        }
    }

    @Test("What does not fit on top is refused, and the volume stays what it was")
    func refused() async throws {
        try await Stage.with { stage in
            let chain = try await Chain(stage)
            let whole = try read(chain.files[1])
            let (cut, other) = (stage.scratchFile("cut"), uniqueName("other"))
            try write([UInt8](whole.prefix(whole.count / 2)), to: cut)
            for (file, others, says) in [
                (chain.files[0], [], "the backup is a whole one"),
                (chain.files[2], [], "there is no snapshot monday"),
                (cut, [], "cut off"),
                (chain.files[1], ["--sha256", String(repeating: "0", count: 64)], "its SHA-256 is"),
                (chain.files[1], ["-o", "size=1G"], "takes no options"),
            ] as [(String, [String], String)] {
                let result = try await chain.onTop(file, stage, others)
                #expect(result.status != 0 && result.error.contains(says), "\(file) \(others): \(result)")
            }
            let unknown = try await stage.operate("backup", "import", other, chain.files[1], "--on-top")
            #expect(unknown.status == 1 && unknown.error.contains("import a whole backup first"), "\(unknown)")
            // A pipe shows that it is cut only when half of it is there: then the volume is brought back.
            let fifo = try await stage.operateThroughPipe(
                ["backup", "import", chain.restored, "--on-top"], reading: cut)
            #expect(fifo.status == 1 && fifo.error.contains("cut off"), "\(fifo)")
            try await chain.expect("sunday", stage)

            let mountpoint = try await stage.client.mount(chain.restored, id: "a").checked().mountpoint
            let mounted = try await chain.onTop(chain.files[1], stage)
            #expect(mounted.status == 1 && mounted.error.contains("has had it mounted"), "\(mounted)")
            try write("changed", to: mountpoint + "/mine")
            try await stage.client.unmount(chain.restored, id: "a").checked()
            let changed = try await chain.onTop(chain.files[1], stage)
            #expect(changed.status == 1 && changed.error.contains("has changed since snapshot sunday"), "\(changed)")
            let again = try await stage.client.mount(chain.restored, id: "a").checked().mountpoint
            #expect(try text(of: again + "/mine") == "changed")
            try await stage.client.unmount(chain.restored, id: "a").checked()
            try await stage.operate("snapshot", "rollback", chain.restored, "sunday", "--yes").checked()
            try await chain.onTop(chain.files[1], stage).checked()
            try await chain.expect("monday", stage)
            let twice = try await chain.onTop(chain.files[1], stage)
            #expect(twice.status == 1 && twice.error.contains("has the snapshot monday already"), "\(twice)")
            try await chain.remove(stage)
        }
    }

    @Test(
        "No node mounts a volume that is half one and half the other; interrupted it is brought back, killed it waits for that"
    )
    func broken() async throws {
        try await Stage.with { stage in
            let chain = try await Chain(stage)
            for number in [SIGINT, SIGKILL] {
                let (pipe, log) = (try stage.namedPipe("pipe"), stage.scratchFile("log"))
                // The second half never comes.
                let script = #"exec 3> "$1"; head -c 4000000 "$2" >&3; while [ ! -e "$1.go" ]; do sleep 0.1; done"#
                let feeder = Task {
                    try await runTool("sh", ["-c", script, "sh", pipe, chain.files[1]], within: .seconds(120))
                }
                let half = try stage.begin(["backup", "import", chain.restored, pipe, "--on-top"], log: log)
                try await eventually("the import to have begun", within: .seconds(60)) {
                    if half.poll() != nil { throw RigFailure("it has ended: \(try text(of: log))") }
                    return try await stage.saysThatItIsRolledBack(chain.restored)
                }
                let refused = try await stage.client.mount(chain.restored, id: "a")
                #expect(!refused.succeeded, "\(refused)")
                half.signal(number)
                let ending = try await half.waitForEnd(within: .seconds(90))
                try write("", to: pipe + ".go")
                try await feeder.value.checked()
                if number == SIGINT {
                    let said = try text(of: log)
                    #expect(ending == .exited(130), "\(said)")
                    try await chain.expect("sunday", stage)
                } else {
                    let damaged = try await stage.client.mount(chain.restored, id: "a")
                    #expect(damaged.error.contains("a rollback of its image"), "\(damaged)")
                }
            }
            // The same import again brings it back first, once Ceph has dropped the client that was killed.
            try await eventually("the import to be done", within: .seconds(90)) {
                try await chain.onTop(chain.files[1], stage).succeeded
            }
            try await chain.expect("monday", stage)
            _ = try await stage.client.mount(chain.restored, id: "a").checked()
            try await stage.client.unmount(chain.restored, id: "a").checked()
            try await chain.remove(stage)
        }
    }

    @Test("An image that has grown between two backups grows with the second one, and does not shrink again")
    func grown() async throws {
        try await Stage.with { stage in
            let chain = try await Chain(stage)
            _ = try await stage.ceph.rbd("resize", "--no-progress", "--size", "80", stage.image(chain.source))
            try await stage.operate("snapshot", "create", chain.source, "wednesday").checked()
            let file = stage.scratchFile("wednesday")
            try await stage.operate(
                "backup", "export", "\(chain.source)@wednesday", file, "--from", "tuesday"
            ).checked()
            for each in [chain.files[1], chain.files[2], file] { try await chain.onTop(each, stage).checked() }
            try await chain.expect("wednesday", stage)
            let info = try JSONValue(
                parsing: try await stage.ceph.rbd("info", "--format", "json", stage.image(chain.restored)))
            #expect(info["size"] == 83_886_080)
            _ = try await stage.ceph.rbd(
                "resize", "--no-progress", "--allow-shrink", "--size", "48", stage.image(chain.source))
            try await stage.operate("snapshot", "create", chain.source, "thursday").checked()
            let smaller = stage.scratchFile("thursday")
            try await stage.operate(
                "backup", "export", "\(chain.source)@thursday", smaller, "--from", "wednesday"
            ).checked()
            let refused = try await chain.onTop(smaller, stage)
            #expect(refused.status == 1 && refused.error.contains("would make the volume smaller"), "\(refused)")
            try await chain.expect("wednesday", stage)
            try await chain.remove(stage)
        }
    }
}

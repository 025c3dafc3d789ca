import Rig
import Testing

/// `rbd-plugin snapshot …` on real Ceph.
@Suite("Snapshots by command")
struct SnapshotCommandTests {
    @Test("A snapshot of a mounted volume holds what was written before it, and is no hindrance to who writes on")
    func mounted() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("snapped", ["fstype": "ext4", "size": "64"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("before", to: mountpoint + "/file")
            let said = try await stage.operate("snapshot", "create", name, "monday").checked().output
            #expect(said.contains("Took snapshot monday") && said.contains("64M, frozen"), "\(said)")
            try await stage.expectWhole(name, "monday")
            try write("after", to: mountpoint + "/file")
            try await stage.client.unmount(name, id: "a").checked()
            #expect(try await stage.operate("snapshot", "create", name, "idle").checked().output.contains("unmounted"))

            let shown = try JSONValue(
                parsing: try await stage.operate("snapshot", "ls", name, "--json").checked().output)
            #expect(shown.array.map { $0["name"] } == [.string("monday"), .string("idle")])
            #expect(shown.array.map { $0["kind"] } == [.string("manual"), .string("manual")])
            #expect(shown.array.map { $0["content"] } == [.string("frozen"), .string("unmounted")])

            _ = try await stage.ceph.rbd("snap", "rollback", "--no-progress", stage.image(name) + "@monday")
            let again = try await stage.client.mount(name, id: "b").checked().mountpoint
            #expect(try text(of: again + "/file") == "before")
            try await stage.client.unmount(name, id: "b").checked()
            for snapshot in ["monday", "idle"] {
                _ = try await stage.operate("snapshot", "rm", name, snapshot).checked()
            }
            try await stage.client.remove(name).checked()
        }
    }

    @Test("Many writers go on while snapshots are taken of what they write to, and each snapshot is whole")
    func busy() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("busy", ["fstype": "ext4", "size": "128"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            let script = """
                for i in $(seq 400); do
                    echo "$1 $i" > "$2/$1.$i.new" && sync "$2/$1.$i.new" && mv "$2/$1.$i.new" "$2/$1" || exit 1
                done
                """
            let writers = (1...4).map { number in
                Task {
                    try await runTool("sh", ["-c", script, "sh", "\(number)", mountpoint], within: .seconds(300))
                }
            }
            for number in 1...3 {
                let said = try await stage.operate("snapshot", "create", name, "s\(number)").checked().output
                #expect(said.contains("frozen"), "\(said)")
                try await stage.expectWhole(name, "s\(number)")
            }
            for writer in writers { try await writer.value.checked() }
            for number in 1...4 { #expect(try text(of: "\(mountpoint)/\(number)") == "\(number) 400\n") }
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("Without freezing, and for a node that runs no plugin, a snapshot is as after a power cut")
    func loose() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("loose", ["fstype": "ext4", "size": "64"])
            try await stage.client.mount(name, id: "a").checked()
            let said = try await stage.operate("snapshot", "create", name, "s1", "--no-freeze").checked().output
            #expect(said.contains("crash-consistent"), "\(said)")
            try await stage.plugin.kill()
            let alone = try await stage.operate("snapshot", "create", name, "s2").checked().output
            #expect(alone.contains("crash-consistent"), "\(alone)")
            try await stage.plugin.start()
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("Held snapshots and those of people stay, and the volume with them")
    func removal() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("kept", ["size": "64"])
            _ = try await stage.operate("snapshot", "create", name, "s1").checked()
            _ = try await stage.operate("snapshot", "hold", name, "s1").checked()
            _ = try await stage.ceph.rbd("snap", "create", "--no-progress", stage.image(name) + "@theirs")
            for (arguments, says) in [
                (["rm", name, "s1"], "it is held"), (["rm", name, "theirs"], "the plugin has not taken it"),
                (["create", name, "theirs"], "another snapshot of that name"), (["create", name, "a@b"], "is not one"),
                (["create", "nobody", "s"], "there is no such volume"), (["rm", name, "s9"], "no such snapshot"),
            ] {
                let result = try await stage.operate(["snapshot"] + arguments)
                #expect(result.status == 1 && result.error.contains(says), "\(arguments): \(result)")
            }
            let refused = try await stage.client.remove(name)
            #expect(refused.error.contains("snapshots: s1, theirs"), "\(refused.error)")
            _ = try await stage.operate("snapshot", "unhold", name, "s1").checked()
            _ = try await stage.operate("snapshot", "rm", name, "s1").checked()
            let listed = try await stage.operate("snapshot", "ls", name).checked().output
            #expect(listed.contains("theirs") && listed.contains("foreign") && !listed.contains("s1"), "\(listed)")
            _ = try await stage.ceph.rbd("snap", "rm", "--no-progress", stage.image(name) + "@theirs")
            try await stage.client.remove(name).checked()
        }
    }
}

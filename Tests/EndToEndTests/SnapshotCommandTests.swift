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
            try await runTool("sync", ["--file-system", mountpoint]).checked()
            let said = try await stage.operate("snapshot", "create", name, "monday").checked().output
            #expect(said.contains("Took snapshot monday") && said.contains("64M, crash-consistent"), "\(said)")
            try write("after", to: mountpoint + "/file")
            try await stage.client.unmount(name, id: "a").checked()
            #expect(try await stage.operate("snapshot", "create", name, "idle").checked().output.contains("unmounted"))

            let shown = try JSONValue(
                parsing: try await stage.operate("snapshot", "ls", name, "--json").checked().output)
            #expect(shown.array.map { $0["name"] } == [.string("monday"), .string("idle")])
            #expect(shown.array.map { $0["kind"] } == [.string("crash-consistent"), .string("unmounted")])

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

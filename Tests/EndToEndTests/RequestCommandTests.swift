import Rig
import Testing

/// What operators ask the nodes to do, on real Ceph and etcd: `snapshot rollback`, `volume trim`, `request …`.
@Suite("Requests by command")
struct RequestCommandTests {
    @Test("A volume is rolled back by a node that runs the plugin, also after it has grown, and is what it was")
    func rollback() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("back", ["fstype": "xfs", "size": "300"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("before", to: mountpoint + "/file")
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.operate("snapshot", "create", name, "monday").checked()

            try await stage.client.mount(name, id: "a").checked()
            try await stage.operate("volume", "resize", name, "400M").checked()
            try write("after", to: mountpoint + "/file")
            try write(randomBytes(16 << 20), to: mountpoint + "/more")
            let refused = try await stage.operate("snapshot", "rollback", name, "monday", "--yes")
            #expect(refused.status == 1 && refused.error.contains("had it mounted"), "\(refused)")
            #expect(try text(of: mountpoint + "/file") == "after")
            try await stage.client.unmount(name, id: "a").checked()

            let asked = try await stage.operate("snapshot", "rollback", name, "monday")
            #expect(asked.status == 1 && asked.error.contains("Nothing was changed"), "\(asked)")
            let said = try await stage.operate("snapshot", "rollback", name, "monday", "--yes").checked().output
            #expect(said.contains("when snapshot monday was taken"), "\(said)")
            let shown = try await stage.client.get(name).checked().volume?.status
            #expect(shown?["request"]?["state"] == .string("done") && shown?["wantedSize"] == .string("400M"))

            let again = try await stage.client.mount(name, id: "b").checked().mountpoint
            #expect(try text(of: again + "/file") == "before")
            #expect(!exists(again + "/more"))
            try await eventually("the volume to grow again") {
                try await stage.record(of: name)?["spec"]?["size"] == .integer(400 << 20)
            }
            try await stage.client.unmount(name, id: "b").checked()
            try await stage.operate("request", "rm", name).checked()
            #expect(try await stage.operate("request", "get", name).error.contains("there is none"))
            try await stage.operate("snapshot", "rm", name, "monday").checked()
            try await stage.client.remove(name).checked()
        }
    }

    @Test("While nobody does it the volume stays as it is and is not mounted; whoever asked can take that back")
    func nobodyDoesIt() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("kept", ["size": "64"])
            try await stage.operate("snapshot", "create", name, "s").checked()
            _ = try await stage.plugin.terminate()
            let timedOut = try await stage.operate("snapshot", "rollback", name, "s", "--yes", "--timeout", "2")
            #expect(timedOut.status == 1 && timedOut.error.contains("is the plugin running"), "\(timedOut)")
            let listed = try await stage.operate("request", "ls").checked().output
            #expect(listed.contains(name) && listed.contains("waiting"), "\(listed)")
            for (arguments, says) in [
                (["volume", "forget", name, "--yes"], "being rolled back to snapshot s"),
                (["snapshot", "rm", name, "s"], "being rolled back to snapshot s"),
                (["volume", "trim", name], "being rolled back to snapshot s"),
            ] {
                let result = try await stage.operate(arguments)
                #expect(result.status == 1 && result.error.contains(says), "\(arguments): \(result)")
            }
            try await stage.operate("request", "rm", name).checked()
            try await stage.plugin.start()
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("A mounted volume is trimmed at once by its node; one that no node has mounted is not")
    func trim() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("trimmed", ["size": "64"])
            let idle = try await stage.operate("volume", "trim", name)
            #expect(idle.status == 1 && idle.error.contains("no node has it mounted"), "\(idle)")
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write(randomBytes(8 << 20), to: mountpoint + "/large")
            try await runTool("sync", ["--file-system", mountpoint]).checked()
            try await runTool("rm", [mountpoint + "/large"]).checked()
            let said = try await stage.operate("volume", "trim", name).checked().output
            #expect(said.contains("as unused"), "\(said)")
            #expect(try await stage.record(of: name)?["trimmedAt"] != nil)
            try await stage.client.unmount(name, id: "a").checked()
        }
    }
}

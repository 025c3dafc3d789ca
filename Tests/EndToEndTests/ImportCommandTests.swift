import Rig
import Testing

/// `rbd-plugin volume create`, `rm` and `import`, which ask the plugin on the node as Docker does.
@Suite("Volumes that are created, removed and imported by command")
struct ImportCommandTests {
    @Test("create and rm do what Docker's commands do, with the plugin's own errors")
    func createAndRemove() async throws {
        try await Stage.with { stage in
            let name = uniqueName("made")
            let options = ["-o", "pool=\(stage.environment.pool)", "-o", "namespace=\(stage.namespace)"]
            let made = try await volume(stage, ["create", name] + options + ["-o", "size=64"])
            #expect(made.status == 0 && made.output == name + "\n", "\(made)")
            #expect(try await stage.client.get(name).checked().volume?.status["size"] == "64M")
            #expect(try await volume(stage, ["create", name] + options + ["-o", "size=64"]).status == 0)
            let other = try await volume(stage, ["create", name] + options + ["-o", "size=65"])
            #expect(other.status == 1 && other.error.contains("64M"), "\(other)")
            let wrong = try await volume(stage, ["create", uniqueName("wrong"), "-o", "sise=1"])
            #expect(wrong.status == 1 && wrong.error.contains("sise"), "\(wrong)")
            #expect(try await volume(stage, ["create", name, "-o", "size=1", "-o", "size=2"]).status == 64)

            #expect(try await volume(stage, ["rm", name]).status == 1, "nobody has said yes")
            try await stage.client.mount(name, id: "a").checked()
            let used = try await volume(stage, ["rm", name, "--yes"])
            #expect(used.status == 1 && used.error.contains("mounted"), "\(used)")
            try await stage.client.unmount(name, id: "a").checked()
            let removed = try await volume(stage, ["rm", name, uniqueName("none"), "--yes"])
            #expect(removed.status == 1 && removed.output == name + "\n", "the one goes, and of the other it says so")
            #expect(try await stage.client.get(name).error.isEmpty == false)
            try await stage.plugin.kill()
            let none = try await volume(stage, ["create", name])
            #expect(none.status == 1 && none.error.contains("cannot ask the plugin at"), "\(none)")
        }
    }

    @Test(
        "Images become volumes with what is on them; what is in use, blank or a volume already is left, and it says why"
    )
    func imported() async throws {
        try await Stage.with(settings: ["RBD_ALLOW_ADOPT": "true"]) { stage in
            let (ext4, xfs) = (
                try await stage.volume("old"), try await stage.volume("older", ["fstype": "xfs", "size": "512"])
            )
            let kept = try await stage.volume("kept")
            let mountpoint = try await stage.client.mount(xfs, id: "a").checked().mountpoint
            try await runTool("sh", ["-c", "echo precious > \(mountpoint)/data && sync -f \(mountpoint)"]).checked()
            try await stage.client.unmount(xfs, id: "a").checked()
            // As images are that no plugin of this kind has ever known.
            for name in [ext4, xfs] {
                try await stage.operate("volume", "forget", name, "--yes").checked()
                try await stage.ceph.rbd("image-meta", "remove", stage.image(name), "rbd-plugin.uid")
            }
            let (blank, busy) = (uniqueName("blank"), uniqueName("busy"))
            let place = "\(stage.environment.pool)/\(stage.namespace)"
            for name in [blank, busy] { try await stage.ceph.rbd("create", "--size", "32", "\(place)/\(name)") }
            let before = try await stage.etcd.keys(stage.prefix)
            // It watches until its input ends.
            let watch = "sleep 20 | rbd --conf \(stage.environment.adminConf) watch \(place)/\(busy)"
            async let watching = runTool("sh", ["-c", watch], within: .seconds(60))
            try await eventually("somebody to have \(busy) open") {
                try await stage.ceph.rbd("status", "\(place)/\(busy)").contains("watcher=")
            }

            let shown = try await importing(stage, "--dry-run").checked().output
            func line(_ name: String) -> String {
                shown.split(separator: "\n").first { $0.hasPrefix(name + " ") }.map(String.init) ?? shown
            }
            #expect(line(ext4).contains(" ext4") && line(xfs).contains(" xfs"))
            #expect(line(kept).contains("it is volume \(kept)"))
            #expect(line(blank).contains("no filesystem") && line(busy).contains("in use by"))
            #expect(try await importing(stage).status == 1, "nobody has said yes")
            #expect(try await stage.etcd.keys(stage.prefix) == before, "nothing is changed")

            let imported = try await importing(stage, "--yes").checked().output
            #expect(imported.contains("\(ext4): made of image \(stage.image(ext4))"), "\(imported)")
            let again = try await stage.client.mount(xfs, id: "b").checked().mountpoint
            #expect(try await runTool("cat", ["\(again)/data"]).checked().output == "precious\n")
            try await stage.client.unmount(xfs, id: "b").checked()
            #expect(try await stage.client.get(xfs).checked().volume?.status["filesystem"] == "xfs")
            #expect(try await importing(stage, "--yes").checked().output.contains("made of") == false, "it is done")
            _ = try await watching
            #expect(try await importing(stage, uniqueName("none")).status == 1)
            for name in [ext4, xfs, kept] { try await stage.client.remove(name).checked() }
            for name in [blank, busy] { try await stage.ceph.rbd("rm", "--no-progress", "\(place)/\(name)") }
        }
    }

    private func importing(_ stage: Stage, _ words: String...) async throws -> ToolResult {
        try await volume(
            stage, ["import", "--pool", stage.environment.pool, "--namespace", stage.namespace] + words)
    }

    private func volume(_ stage: Stage, _ words: [String]) async throws -> ToolResult {
        try await stage.operate(["volume"] + words + ["--socket", stage.plugin.socket])
    }
}

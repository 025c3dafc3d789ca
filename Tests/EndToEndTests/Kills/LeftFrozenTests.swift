import FoundationEssentials
import Glibc
import Rig
import Testing

/// A plugin that ends while it has a filesystem frozen for a snapshot, together with the process that would have thawed it: as
/// with `docker plugin disable --force`, which leaves nothing of a managed plugin.
@Suite("Left frozen")
struct LeftFrozenTests {
    @Test("The plugin thaws it when it has been started again, and the next snapshot by schedule is whole")
    func schedule() async throws {
        try await Stage.withKillSwitch { stage, killSwitch in
            let name = try await stage.volume("left", ["fstype": "ext4", "size": "64", "snapshots.frequency": "1m"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("before", to: mountpoint + "/file")
            let frozen = KillPoint(line: "background: freeze filesystem", count: 1)
            try killSwitch.arm(frozen, with: SIGSTOP)
            try await eventually("the plugin to freeze the filesystem", within: .seconds(120)) {
                try killSwitch.passed().contains(frozen)
            }
            try killCompanions(of: try #require(stage.plugin.pid))
            try await stage.plugin.kill()
            try killSwitch.clear()

            let late = mountpoint + "/late"
            async let writing = runTool("touch", [late], within: .seconds(120))
            // Longer than anybody is to wait, had anything been left that thaws it.
            try await Task.sleep(for: .seconds(7))
            #expect(!exists(late))
            try await stage.plugin.start()
            try await writing.checked()
            try await eventually("a whole snapshot", within: .seconds(180)) {
                try await snapshots(of: name, stage).last?["content"] == "frozen"
            }
            let taken = try await snapshots(of: name, stage).filter { $0["kind"] == "scheduled" }
            #expect(Set(taken.map { $0["slot"] }).count == taken.count, "\(taken)")
            try await stage.expectWhole(name, try #require(taken.last?["name"]?.string))
            #expect(
                try await stage.operate("volume", "inspect", name).checked().output.contains("\"freezing\"") == false)
            _ = try await stage.operate("volume", "set", name, "snapshots=off").checked()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()
        }
    }

    /// `docker plugin disable --force` takes the plugin's mounts away as well. A container's own mount stays, frozen.
    @Test("A container whose filesystem was left frozen goes on, also when the plugin's own mount has been taken away")
    func forced() async throws {
        try await Stage.withKillSwitch { stage, killSwitch in
            let name = try await stage.volume("forced", ["fstype": "ext4", "size": "64", "snapshots.frequency": "1m"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            let container = try SpawnedProcess(
                "/usr/bin/unshare", ["--mount", "--propagation", "private", "sleep", "600"],
                environment: ["PATH": "/usr/bin:/bin"], log: stage.plugin.scratch.path + "/container.log")
            defer { container.signal(SIGKILL) }
            try await eventually("the container to have a mount of its own") {
                try text(of: "/proc/\(container.pid)/comm") == "sleep\n"
            }
            let frozen = KillPoint(line: "background: freeze filesystem", count: 1)
            try killSwitch.arm(frozen, with: SIGSTOP)
            try await eventually("the plugin to freeze the filesystem", within: .seconds(120)) {
                try killSwitch.passed().contains(frozen)
            }
            try killCompanions(of: try #require(stage.plugin.pid))
            try await stage.plugin.kill()
            try killSwitch.clear()
            try await runTool("umount", ["--lazy", mountpoint]).checked()

            let write = ["--target", "\(container.pid)", "--mount", "touch", mountpoint + "/late"]
            async let writing = runTool("nsenter", write, within: .seconds(120))
            try await stage.plugin.start()
            try await writing.checked()
            // Another container, and Docker itself, find it at its mountpoint again.
            try await eventually("the volume to be mounted again", within: .seconds(60)) {
                exists(mountpoint + "/late")
            }
            _ = try await stage.operate("volume", "set", name, "snapshots=off").checked()
            container.signal(SIGKILL)
            try await container.waitForEnd()
            try await eventually("the volume to be let go", within: .seconds(60)) {
                try await stage.client.unmount(name, id: "a").succeeded && stage.plugin.kernelState.isEmpty
            }
            try await stage.client.remove(name).checked()
        }
    }

    private func snapshots(of name: String, _ stage: Stage) async throws -> [JSONValue] {
        try JSONValue(parsing: try await stage.operate("snapshot", "ls", name, "--json").checked().output).array
    }

    /// Ends what the plugin has started to ask the kernel for something, as the end of a container does.
    private func killCompanions(of plugin: Int32) throws {
        var killed = 0
        for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(plugin)/task") {
            let children = try text(of: "/proc/\(plugin)/task/\(task)/children").split(separator: " ")
            for child in children.compactMap({ Int32($0) }) {
                guard try text(of: "/proc/\(child)/comm").hasPrefix("rbd-plugin-kern") else { continue }
                #expect(kill(child, SIGKILL) == 0)
                killed += 1
            }
        }
        #expect(killed > 0)
    }
}

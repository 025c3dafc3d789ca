import Glibc
import Rig
import Testing

/// A process that carries the data of one mapping stands still: stopped, starved, or waiting for its disk.
@Suite("A mapping's process stands still")
struct FrozenDaemonTests {
    @Test(
        "Volumes of every filesystem live their lives beside one whose process stands still",
        arguments: [("ext4", "32"), ("xfs", "300"), ("btrfs", "256")])
    func othersLive(filesystem: String, size: String) async throws {
        try await Stage.with { stage in
            let (client, frozen) = (
                stage.client, try await stage.volume("frozen", ["size": size, "fstype": filesystem])
            )
            let held = try await client.mount(frozen, id: "a").checked().mountpoint
            try write("kept", to: held + "/file")
            let daemons = stage.plugin.kernelState.exports
            #expect(daemons.count == 1)
            for daemon in daemons { kill(daemon.pid, SIGSTOP) }
            defer { for daemon in daemons { kill(daemon.pid, SIGCONT) } }
            // For a second the kernel knows by heart what it would have to ask that process.
            try await Task.sleep(for: .seconds(2))

            let name = try await stage.volume("alive", ["size": size, "fstype": filesystem])
            for id in ["b", "c"] {
                let mountpoint = try await client.mount(name, id: id).checked().mountpoint
                try write(id, to: mountpoint + "/file")
                try await client.unmount(name, id: id).checked()
            }
            try await client.remove(name).checked()

            for daemon in daemons { kill(daemon.pid, SIGCONT) }
            #expect(try text(of: held + "/file") == "kept")
            try await client.unmount(frozen, id: "a").checked()
            try await client.remove(frozen).checked()
            try await stage.expectBlank()
        }
    }
}

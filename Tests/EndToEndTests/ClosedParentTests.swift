import FoundationEssentials
import Glibc
import Rig
import Testing

/// What a container puts into its volume is out of reach for the users of the host.
@Suite("Closed to the host's users")
struct ClosedParentTests {
    @Test("E17: a plain user cannot run a set-user-id program of a volume, also where the mount root is open to all")
    func e17OpenMountRoot() async throws {
        try await Stage.with(started: false) { stage in
            let root = stage.plugin.scratch.path + "/open"
            try makeFolder(root, mode: 0o755)
            try await stage.plugin.start(mountRoot: root)
            let name = try await stage.volume("suid")
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            #expect(mountpoint.hasPrefix(root + "/") && mountpoint.hasSuffix("/\(name)"))
            // As the root of a container would.
            try await runTool("install", ["-m", "4755", "/usr/bin/id", mountpoint + "/id"]).checked()
            let attempt = try await runAsNobody(String(mountpoint.dropFirst(root.count + 1)) + "/id", from: root)
            #expect(!attempt.succeeded && attempt.error.contains("Permission denied"), "\(attempt)")

            #expect(try await stat(root, "%a") == "755", "somebody else's folder is left as it is")
            #expect(stage.plugin.log.contains("chmod 0700 \(root)"), "\(stage.plugin.log)")
            // Closed later, the root itself is used, and what was mounted before is found.
            #expect(chmod(root, 0o700) == 0)
            try await stage.plugin.terminate()
            try await stage.plugin.start(mountRoot: root)
            #expect(try await stage.client.mount(name, id: "b").checked().mountpoint == mountpoint)
            for id in ["a", "b"] { try await stage.client.unmount(name, id: id).checked() }
            #expect(try await stage.client.mount(name, id: "c").checked().mountpoint == "\(root)/\(name)")
            try await stage.client.unmount(name, id: "c").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }

    @Test("E17: a mount root that the plugin makes is closed, and one that is closed is used as it is")
    func e17MadeMountRoot() async throws {
        try await Stage.with(started: false) { stage in
            let root = stage.plugin.scratch.path + "/made/volumes"
            for _ in 0..<2 {
                try await stage.plugin.start(mountRoot: root)
                #expect(try await stat(root, "%a %u") == "700 0")
                let name = try await stage.volume("closed")
                #expect(try await stage.client.mount(name, id: "a").checked().mountpoint == "\(root)/\(name)")
                try await stage.client.unmount(name, id: "a").checked()
                try await stage.plugin.terminate()
            }
        }
    }

    @Test(
        "E17: a mount root that others may write to is refused at the start, with what to do",
        arguments: [0o777, 0o775])
    func e17WritableMountRoot(mode: mode_t) async throws {
        try await Stage.with(started: false) { stage in
            let root = stage.plugin.scratch.path + "/writable"
            try makeFolder(root, mode: mode)
            try await stage.plugin.start(awaitingSocket: false, mountRoot: root)
            #expect(try await stage.plugin.waitForEnd() != .exited(0))
            #expect(stage.plugin.log.contains("chmod 0700 \(root)"), "\(stage.plugin.log)")
        }
    }

    @Test("E17: nosuid and nodev can be given to a volume, and be the operator's rule for all of them")
    func e17NoSetUserID() async throws {
        try await Stage.with { stage in
            let free = try await stage.volume("free", ["mount-options": "suid,dev"])
            let name = try await stage.volume("narrow", ["mount-options": "nosuid,nodev"])
            #expect(try await options(of: name, on: stage).isSuperset(of: ["nosuid", "nodev"]))
            #expect(try await options(of: free, on: stage).isDisjoint(with: ["nosuid", "nodev"]))
            try await stage.plugin.terminate()
            let settings = ["RBD_MOUNT_OPTIONS": "nosuid,nodev"]
            try await stage.withAnotherNode(settings: settings) { other, theirs in
                let mountpoint = try await theirs.mount(free, id: "a").checked().mountpoint
                let entry = try #require(other.kernelState.mount(at: mountpoint))
                #expect(entry.options.isSuperset(of: ["nosuid", "nodev"]), "\(entry)")
                try await theirs.unmount(free, id: "a").checked()
            }
        }
    }

    private func options(of volume: String, on stage: Stage) async throws -> Set<String> {
        let mountpoint = try await stage.client.mount(volume, id: "a").checked().mountpoint
        let entry = try #require(stage.plugin.kernelState.mount(at: mountpoint))
        try await stage.client.unmount(volume, id: "a").checked()
        return entry.options
    }

    private func makeFolder(_ path: String, mode: mode_t) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try #require(chmod(path, mode) == 0)
    }

    /// Starts in the folder, as if all that leads to it were open: the rig's folders are not. The second shell has lost what
    /// setpriv itself keeps of root's capabilities.
    private func runAsNobody(_ program: String, from folder: String) async throws -> ToolResult {
        let script = """
            cd "$1" && exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'exec "./$1"' sh "$2"
            """
        return try await runTool("sh", ["-c", script, "sh", folder, program])
    }
}

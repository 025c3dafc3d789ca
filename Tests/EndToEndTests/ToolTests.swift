import FoundationEssentials
import Rig
import Testing

/// The tools that the plugin runs: that they can hang and fail, and what they get to see.
@Suite("Tools")
struct ToolTests {
    @Test("A mkfs that hangs is ended with all it started, in time, and leaves nothing")
    func mkfsHangs() async throws {
        // A number that no other process has among its arguments.
        let seconds = Int.random(in: 100_000...999_999)
        try await Self.with(stub: "mkfs.ext4", "sleep \(seconds) & sleep \(seconds)") { stage in
            let answer = try await stage.client.create(uniqueName("hang"), options: stage.options())
            #expect(answer.error.contains("mkfs.ext4"), "\(answer.error)")
            try await stage.waitUntilUnchanged(since: Surroundings(facts: []), after: "a mkfs that hangs")
            #expect(names(in: stage.plugin.stateFolder + "/format").isEmpty)
            #expect(try await runTool("pgrep", ["-f", "sleep \(seconds)"]).output.isEmpty, "no grandchild either")
        }
    }

    @Test("While one volume's mkfs hangs, others are created, mounted and listed")
    func oneHangsAlone() async throws {
        let script = #"case "$*" in *hang*) exec sleep 603 ;; *) exec /sbin/mkfs.ext4 "$@" ;; esac"#
        try await Self.with(stub: "mkfs.ext4", script) { stage in
            let client = stage.client
            async let hanging = client.create(uniqueName("hang"), options: stage.options(["mkfs-options": "-L hang"]))
            for _ in 0..<2 {
                let name = try await stage.volume("other")
                try await client.mount(name, id: "a").checked()
                #expect(try await client.list().checked().volumes?.map(\.name) == [name])
                try await client.unmount(name, id: "a").checked()
                try await client.remove(name).checked()
            }
            #expect(try await !hanging.succeeded)
            try await stage.waitUntilUnchanged(since: Surroundings(facts: []), after: "a mkfs that hangs")
        }
    }

    @Test(
        "A tool that fails is quoted in the answer, and what came before it is undone",
        arguments: [
            ("mkfs.ext4", true), ("losetup", false), ("qemu-storage-daemon", false), ("e2fsck", false),
        ])
    func toolFails(tool: String, inCreate: Bool) async throws {
        let toggle = uniqueName("/tmp/e2e-toggle")
        let script = #"if [ -e "$TOGGLE" ]; then echo "it is broken" >&2; exit 16; fi; exec "$REAL" "$@""#
            .replacing("$TOGGLE", with: toggle).replacing("$REAL", with: try await Self.path(of: tool))
        defer { try? FileManager.default.removeItem(atPath: toggle) }
        try await Self.with(stub: tool, script) { stage in
            // Without checksums, e2fsck is started before every mount.
            let checked = ["mkfs-options": "-O ^metadata_csum"]
            let name = inCreate ? uniqueName("fails") : try await stage.volume("fails", checked)
            let before = try await stage.surroundings(records: .byKey)
            try write("", to: toggle)
            let answer =
                inCreate
                ? try await stage.client.create(name, options: stage.options())
                : try await stage.client.mount(name, id: "a")
            #expect(answer.error.contains("it is broken"), "\(answer.error)")
            #expect(answer.error.contains(tool), "\(answer.error)")
            try FileManager.default.removeItem(atPath: toggle)
            try await stage.waitUntilUnchanged(since: before, records: .byKey, after: "a \(tool) that failed")
            if inCreate { try await stage.client.create(name, options: stage.options()).checked() }
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("No child of the plugin sees a secret, in its arguments or its environment")
    func children() async throws {
        let rig = try RigEnvironment.required()
        let key = try String(contentsOfFile: rig.cephKeyFile, encoding: .utf8).filter { $0 != "\n" }
        let password = uniqueName("secret")
        let folder = try ScratchFolder("spy", of: rig)
        let record = folder.path + "/calls"
        let tools = ["mkfs.ext4", "losetup", "qemu-storage-daemon", "e2fsck", "rbd"]
        for tool in tools {
            let script = #"{ echo "\#(tool) $*"; env; } >> \#(record); exec \#(try await Self.path(of: tool)) "$@""#
            try Self.makeExecutable("\(folder.path)/\(tool)", script)
        }
        let settings = [
            "PATH": "\(folder.path):/usr/sbin:/usr/bin:/sbin:/bin", "RBD_CONF_KEYRING_KEY": key,
            "ETCD_USERNAME": "docker", "ETCD_PASSWORD": password,
        ]
        try await EtcdServer.with { server in
            try await server.enableAuthentication(
                rootPassword: "root", user: "docker", password: password, prefix: "secret/")
            try await Stage.with(settings: settings) { stage in
                // The rig's own etcd knows no users; the one that does is another node's.
                try await stage.withAnotherNode(
                    settings: settings.merging(["ETCD_ENDPOINTS": server.url, "ETCD_PREFIX": "secret/"]) { $1 }
                        .mapValues { $0 }
                ) { plugin, client in
                    let name = uniqueName("secret")
                    let checked = ["mkfs-options": "-O ^metadata_csum"]
                    try await client.create(name, options: stage.options(checked)).checked()
                    try await client.mount(name, id: "a").checked()
                    let shown = try await client.get(name).checked().text
                    let (health, metrics) = (
                        try await client.fetch("/healthz").text, try await client.fetch("/metrics").text
                    )
                    let stored = try await server.etcdctl("get", "--prefix", "", user: "root:root")
                    let running = plugin.kernelState.exports.flatMap(\.arguments).joined(separator: " ")
                    let environments = try plugin.kernelState.exports.map { try text(of: "/proc/\($0.pid)/environ") }
                    try await client.unmount(name, id: "a").checked()
                    try await client.remove(name).checked()
                    let calls = try text(of: record)
                    #expect(calls.contains("mkfs.ext4 ") && calls.contains("e2fsck "), "the spies were called")
                    let places = [
                        ("a tool's arguments or environment", calls), ("a daemon's arguments", running),
                        ("a daemon's environment", environments.joined()), ("Get", shown), ("/healthz", health),
                        ("/metrics", metrics), ("etcd", stored), ("the log", plugin.log),
                    ]
                    for (place, text) in places {
                        #expect(!text.contains(key), "the Ceph key is in \(place)")
                        #expect(!text.contains(password), "etcd's password is in \(place)")
                    }
                    for file in try Self.files(below: plugin.stateFolder) where try text(of: file).contains(key) {
                        #expect(try await stat(file, "%a %u") == "600 0", "\(file)")
                    }
                }
            }
        }
        try await folder.sweep()
    }

    /// A stage on which a tool is a script.
    private static func with(
        stub tool: String, _ script: String, _ body: (Stage) async throws -> Void
    ) async throws {
        let folder = try ScratchFolder("stub", of: .required())
        try makeExecutable("\(folder.path)/\(tool)", script)
        let settings = ["PATH": "\(folder.path):/usr/sbin:/usr/bin:/sbin:/bin"]
        try await Stage.with(settings: settings, body)
        try await folder.sweep()
    }

    private static func makeExecutable(_ path: String, _ script: String) throws {
        try write("#!/bin/sh\n\(script)\n", to: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    private static func path(of tool: String) async throws -> String {
        try await runTool("sh", ["-c", "command -v \(tool)"]).checked().output.filter { $0 != "\n" }
    }

    private static func files(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).map { "\(folder)/\($0)" }.filter { path in
            try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == .typeRegular
        }
    }
}

import FoundationEssentials
import Rig
import Testing

/// The program as a person meets it on the command line and on its socket.
@Suite("The program")
struct ProgramTests {
    @Test("--version is one line, --help names the subcommand, serve --help every setting")
    func help() async throws {
        let program = try PluginProcess.executable()
        let version = try await runTool(program, ["--version"]).checked().output
        #expect(version.split(separator: "\n").count == 1)
        #expect(version.contains("."))
        #expect(try await runTool(program, ["--help"]).checked().output.contains("serve"))
        let help = try await runTool(program, ["serve", "--help"]).checked().output
        for word in [
            "--socket", "--mount-root", "ETCD_ENDPOINTS", "RBD_CONF_GLOBAL_MON_HOST", "OPERATION_TIMEOUT", "SIGTERM",
        ] {
            #expect(help.contains(word), "\(word)")
        }
    }

    private static let wrongSettings: [(String, String)] = [
        ("RBD_MAPPER", "floppy"), ("ETCD_ENDPOINTS", "ftp://host"), ("ETCD_ENDPOINTS", "http://"),
        ("ETCD_PREFIX", "a\nb"), ("OPERATION_TIMEOUT", "soon"), ("OPERATION_TIMEOUT", "-1"), ("NODE_TTL", "1s"),
        ("CEPH_TIMEOUT", "60s"), ("MOUNT_WAIT", "24s"), ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "4"),
        ("RBD_DEFAULT_SIZE", "0"), ("RBD_DEFAULT_SIZE", "18446744073709551615"), ("RBD_DEFAULT_ORDER", "40"),
        ("RBD_DEFAULT_FSTYPE", "zfs"), ("RBD_DEFAULT_FEATURES", "everything"), ("RBD_SCOPE", "universal"),
        ("RBD_DEFAULT_MOUNT_OPTIONS", "ext4:errors=panic"), ("RBD_DEFAULT_MKFS_OPTIONS", "-i 8192"),
        ("RBD_CONF_KEYRING_KEY", "no key"), ("RBD_CONF_KEYRING_KEY_FILE", "/nonexistent/key"), ("NODE_NAME", "a/b"),
        ("ETCD_PASSWORD_FILE", "/nonexistent/password"), ("ETCD_CERT", "/nonexistent/cert"),
        ("RBD_STATE_DIR", "relative"),
    ]

    @Test("A wrong setting stops the start with a sentence that names it, and nothing is made")
    func wrongSettings() async throws {
        let scratch = try ScratchFolder("s", of: .required())
        for (name, value) in Self.wrongSettings {
            let result = try await Self.serve(
                in: scratch, settings: ["RBD_STATE_DIR": scratch.path + "/state"].merging([name: value]) { $1 })
            #expect(result.status == 78, "\(name)=\(value)")
            #expect(result.error.contains(name), "\(name)=\(value): \(result.error)")
            #expect(names(in: scratch.path).isEmpty, "\(name)=\(value)")
        }
        try await scratch.sweep()
    }

    @Test("All that is wrong is told at once, and no secret with it")
    func severalWrong() async throws {
        let scratch = try ScratchFolder("s", of: .required())
        let settings = ["RBD_MAPPER": "floppy", "LOG_LEVEL": "loud", "RBD_CONF_KEYRING_KEY": "my secret words"]
        let result = try await Self.serve(in: scratch, settings: settings)
        for name in settings.keys { #expect(result.error.contains(name)) }
        #expect(!result.error.contains("my secret words"))
        try await scratch.sweep()
    }

    @Test(
        "Wrong arguments are refused with the usage",
        arguments: [
            ["serve", "--socket", "relative.sock"], ["serve", "--mount-root", "relative"], ["serve", "--colour"],
            ["explode"], ["--socket", "/tmp/x.sock"],
        ])
    func wrongArguments(arguments: [String]) async throws {
        let result = try await runTool(try PluginProcess.executable(), arguments, within: .seconds(20))
        #expect(result.status != 0)
        #expect(!result.error.isEmpty)
    }

    @Test("The help of each command has an example, which begins with the command's own words")
    func examples() async throws {
        let told = try await runTool(try PluginProcess.executable(), ["--experimental-dump-help"]).checked().output
        let root = try #require(try JSONValue(parsing: told)["command"])
        func look(_ command: JSONValue, _ words: [String]) -> Int {
            let verbs = command["subcommands"]?.array.filter { $0["commandName"]?.string != "help" } ?? []
            guard verbs.isEmpty else {
                return verbs.map { look($0, words + [$0["commandName"]?.string ?? "?"]) }.reduce(0, +)
            }
            let help = command["discussion"]?.string ?? ""
            let line = words.joined(separator: " ")
            #expect(
                line == "rbd-plugin serve" || help.contains(#/Examples?: /#) && help.contains(line), "\(line): \(help)")
            return 1
        }
        #expect(look(root, ["rbd-plugin"]) > 40)
    }

    @Test(
        "A mistyped command gets its neighbour, and a verb the command that has it",
        arguments: [
            ("volmue ls", "'volmue'. Did you mean 'volume'?"), ("volume lss", "'lss'. Did you mean 'ls'?"),
            ("snapshot craete db a", "'craete'. Did you mean 'create'?"), ("docter", "Did you mean 'doctor'?"),
            ("resize db 4G", "Did you mean 'volume resize'?"), ("help volmue", "Did you mean 'volume'?"),
            ("restore db", "Did you mean 'trash restore'?"),
            ("xyzzy", "The commands are: serve, status, top, doctor, volume,"),
            ("volume xyzzy", "The commands are: ls, inspect,"), ("volume -x lss", "Unknown option '-x'"),
        ])
    func mistyped(line: String, words: String) async throws {
        let typed = line.split(separator: " ").map(String.init)
        let result = try await runTool(try PluginProcess.executable(), typed, within: .seconds(20))
        #expect(result.status == 64 && result.output == "")
        #expect(result.error.contains(words), "\(result.error)")
    }

    @Test("D10: without arguments it shows its help, and is no server")
    func d10NoArguments() async throws {
        let result = try await runTool(try PluginProcess.executable(), [], within: .seconds(20))
        #expect(result.status == 0)
        #expect(result.output.contains("SUBCOMMANDS") && result.output.contains("serve"), "\(result.output)")
    }

    @Test("D10: a second server on a socket is refused in words, says so at once, and touches nothing")
    func d10SecondServer() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("first")
            try await stage.client.mount(name, id: "a").checked()
            let before = try await stage.surroundings()
            let scratch = try ScratchFolder("s", of: stage.environment)
            let settings = stage.plugin.settings.variables(
                for: stage.environment, stateFolder: scratch.path + "/state"
            ).merging(["NODE_NAME": uniqueName("second"), "LOG_LEVEL": "info"]) { $1 }
            let result = try await runTool(
                try PluginProcess.executable(),
                ["serve", "--socket", stage.plugin.socket, "--mount-root", scratch.path + "/volumes"],
                settings: settings.mapValues { $0 }, within: .seconds(20))
            #expect(result.status != 0)
            #expect(result.error.contains("another server answers there"), "\(result.error)")
            #expect(result.error.contains(stage.plugin.socket))
            #expect(!result.error.contains("connected to Ceph"))
            let nodes = try await stage.etcd.keys(stage.prefix + "nodes/")
            #expect(!nodes.contains { $0.contains("second") }, "\(nodes)")
            try await stage.expectUnchanged(since: before, after: "the second server's start")
            #expect(try await stage.client.get(name).succeeded)
            try await stage.client.unmount(name, id: "a").checked()
            try await scratch.sweep()
        }
    }

    @Test("D10: without etcd, warnings come ever more seldom, and say how many were left out")
    func d10Warnings() async throws {
        try await Stage.with(settings: ["ETCD_ENDPOINTS": "127.0.0.1:1", "LOG_LEVEL": "warn"]) { stage in
            try await eventually("a warning that counts", within: .seconds(60)) {
                stage.plugin.log.contains("repeats=")
            }
            let warnings = stage.plugin.log.split(separator: "\n").filter {
                $0.contains("the heartbeat in etcd failed")
            }
            let counted = warnings.reduce(0) { sum, line in
                sum
                    + (line.split(separator: " ").first { $0.hasPrefix("repeats=") }.flatMap { Int($0.dropFirst(8)) }
                        ?? 0)
            }
            #expect(counted > 0 || warnings.count < 4, "\(warnings)")
        }
    }

    @Test("B12: without rbd-plugin-kernel it does not start, and says what is missing and what to do")
    func b12NoCompanion() async throws {
        let scratch = try ScratchFolder("s", of: .required())
        let program = scratch.path + "/rbd-plugin"
        try await runTool("cp", [try PluginProcess.executable(), program]).checked()
        let result = try await runTool(
            program, ["serve", "--socket", scratch.path + "/rbd.sock", "--mount-root", scratch.path + "/volumes"],
            settings: ["RBD_STATE_DIR": scratch.path + "/state", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            within: .seconds(20))
        #expect(result.status == 78)
        #expect(result.error.contains("rbd-plugin-kernel") && result.error.contains("Install both"), "\(result.error)")
        #expect(names(in: scratch.path) == ["rbd-plugin"])
        try await scratch.sweep()
    }

    @Test("D9: without /proc, every command says so instead of dying", arguments: [["--version"], ["serve"]])
    func d9NoProc(arguments: [String]) async throws {
        let script = "mount -t tmpfs none /proc && exec \"$@\""
        let result = try await runTool(
            "unshare", ["--mount", "sh", "-c", script, "sh", try PluginProcess.executable()] + arguments,
            within: .seconds(20))
        #expect(result.status == 78, "\(result.error)")
        #expect(result.error.contains("/proc is not mounted"), "\(result.error)")
    }

    @Test("D9: a file that is missing is named with the system's own words")
    func d9MissingFiles() async throws {
        try await Stage.with(settings: ["CEPH_CONF": "/nonexistent/ceph.conf"]) { stage in
            try await eventually("the missing file to be told") {
                stage.plugin.log.contains("there is no Ceph configuration yet")
            }
            let log = stage.plugin.log
            #expect(log.contains("cannot read /nonexistent/ceph.conf: No such file or directory"), "\(log)")
            #expect(!log.contains("CocoaError"), "\(log)")
        }
        let scratch = try ScratchFolder("s", of: .required())
        let result = try await Self.serve(
            in: scratch,
            settings: ["RBD_STATE_DIR": scratch.path + "/state", "RBD_CONF_KEYRING_KEY_FILE": "/nonexistent/key"])
        #expect(result.error.contains("/nonexistent/key"))
        #expect(
            result.error.contains("No such file or directory") && !result.error.contains("Cocoa"), "\(result.error)")
        try await scratch.sweep()
    }

    @Test("D6: as process 1 its lines have no time, and those of no concern are not on standard error")
    func d6Container() async throws {
        try await Stage.with(settings: ["LOG_LEVEL": "info", "ETCD_ENDPONTS": "x"], started: false) { stage in
            let output = stage.plugin.scratch.path + "/output"
            let script = "exec \"$@\" >\(output)"
            try await stage.plugin.start(
                by: ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script, "sh"])
            try await eventually("the plugin to say what it does") {
                try text(of: output).contains("listening") && stage.plugin.log.contains("ETCD_ENDPOINTS")
            }
            let (said, errors) = (try text(of: output), stage.plugin.log)
            #expect(
                said.split(separator: "\n").allSatisfy { $0.hasPrefix("info ") || $0.hasPrefix("notice ") }, "\(said)")
            #expect(
                errors.split(separator: "\n").allSatisfy { $0.hasPrefix("warning ") || $0.hasPrefix("error ") },
                "\(errors)")
        }
    }

    @Test("A socket path that is too long is refused in words")
    func longSocket() async throws {
        let scratch = try ScratchFolder("s", of: .required())
        let socket = scratch.path + "/" + String(repeating: "x", count: 100)
        let result = try await Self.serve(
            in: scratch, socket: socket, settings: ["RBD_STATE_DIR": scratch.path + "/state"])
        #expect(result.status != 0)
        #expect(result.error.contains("107"), "\(result.error)")
        try await scratch.sweep()
    }

    private static func serve(
        in scratch: ScratchFolder, socket: String? = nil, settings: [String: String]
    ) async throws -> ToolResult {
        try await runTool(
            try PluginProcess.executable(),
            ["serve", "--socket", socket ?? scratch.path + "/rbd.sock", "--mount-root", scratch.path + "/volumes"],
            settings: settings.mapValues { $0 }, within: .seconds(20))
    }

    @Test("A setting that is none is warned about with the one that was meant; LOG_FORMAT=json logs JSON lines")
    func log() async throws {
        try await Stage.with(settings: ["LOG_FORMAT": "json", "ETCD_ENDPONTS": "x"]) { stage in
            let name = try await stage.volume("log")
            try await stage.client.remove(name).checked()
            #expect(try await stage.plugin.terminate() == .exited(0))
            let lines = try stage.plugin.log.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
            #expect(
                lines.contains { $0["level"] == "warning" && $0["message"]?.string?.contains("ETCD_ENDPOINTS") == true }
            )
            #expect(lines.contains { $0["volume"] == .string(name) })
            #expect(lines.allSatisfy { $0["time"] != nil && $0["level"] != nil && $0["message"] != nil })
        }
    }

    @Test("/healthz says how each backend is; /metrics counts calls by kind and outcome, and volumes")
    func observation() async throws {
        try await Stage.with { stage in
            let client = stage.client
            try await eventually("the plugin to be healthy") {
                try await client.fetch("/healthz").status == 200
            }
            let health = try JSONValue(parsing: try await client.fetch("/healthz").text)
            #expect(health["healthy"] == true)
            let components = health["components"]?.array ?? []
            let named = Set(components.compactMap { $0["name"]?.string })
            #expect(named.isSuperset(of: ["ceph", "etcd"]))

            let (mounted, idle) = (try await stage.volume("metrics"), try await stage.volume("metrics"))
            try await client.mount(mounted, id: "a").checked()
            _ = try await client.create(idle, options: ["colour": "red"])
            let answer = try await client.fetch("/metrics")
            #expect(answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let lines = answer.text.split(separator: "\n").map(String.init)
            func value(_ series: String) -> Double? {
                lines.first { $0.hasPrefix(series + " ") }.flatMap { Double($0.dropFirst(series.count + 1)) }
            }
            #expect(value(#"rbd_plugin_operations_total{operation="create",outcome="ok"}"#) == 2, "\(answer.text)")
            #expect(value(#"rbd_plugin_operations_total{operation="create",outcome="refused"}"#) == 1)
            #expect(value(#"rbd_plugin_operations_total{operation="mount",outcome="ok"}"#) == 1)
            #expect(value(#"rbd_plugin_operation_duration_seconds_count{operation="mount"}"#) == 1)
            #expect(value("rbd_plugin_volumes") == 2)
            #expect(value("rbd_plugin_mounted_volumes") == 1)
            #expect(value("rbd_plugin_operations_at_work") == 0 && value("rbd_plugin_operations_waiting") == 0)
            #expect(value(#"rbd_plugin_backend_up{backend="ceph"}"#) == 1)
            #expect(value(#"rbd_plugin_backend_up{backend="etcd"}"#) == 1)
        }
    }

    @Test("Only root may speak to the socket or read what the plugin keeps")
    func permissions() async throws {
        try await Stage.with { stage in
            let socket = try await stat(stage.plugin.socket, "%a %u")
            #expect(socket == "600 0")
            for file in names(in: stage.plugin.stateFolder + "/ceph") {
                #expect(try await stat("\(stage.plugin.stateFolder)/ceph/\(file)", "%a %u") == "600 0", "\(file)")
            }
        }
    }

    @Test("The cluster and the key can come from settings alone, without a file of the host")
    func settingsAlone() async throws {
        let rig = try RigEnvironment.required()
        let settings: [String: String?] = [
            "CEPH_CONF": nil, "RBD_CONF_GLOBAL_MON_HOST": rig.monHost, "RBD_CONF_GLOBAL_FSID": rig.fsid,
            "RBD_CONF_KEYRING_KEY_FILE": rig.cephKeyFile, "RBD_CONF_GLOBAL_AUTH_CLIENT_REQUIRED": "cephx",
            "RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES": "3", "RBD_CONF_MDS_SESSION_TIMEOUT": "120", "LOG_LEVEL": "3",
            "RBD_CONF_MAP_DEVICE_ROOT": "/dev/rbd", "RBD_CONF_KEYRING_CAPS_MON": "profile rbd",
        ]
        try await Stage.with(settings: settings) { stage in
            let name = try await stage.volume("settings", ["features": "layering"])
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }
}

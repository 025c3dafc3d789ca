import FoundationEssentials
import Rig
import Testing

/// What `/metrics` says of volumes, and how Prometheus gets at it.
@Suite("Metrics") struct MetricsTests {
    @Test(
        "A mounted volume has its size, fullness, reads, writes and limits in the metrics; promtool finds nothing wrong"
    )
    func volumes() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("measured")
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try await stage.operate("volume", "set", name, "write-bps=50M").checked()
            let before = try await Samples(stage).of("rbd_plugin_volume_written_bytes_total", name)
            try write(randomBytes(8 << 20), to: mountpoint + "/data")
            try await runTool("sync", [mountpoint + "/data"]).checked()
            let text = try await stage.client.fetch("/metrics").text
            let samples = try Samples(text, pool: stage.pool)
            #expect(samples.of("rbd_plugin_volume_size_bytes", name) == Double(32 << 20))
            #expect(
                samples.of("rbd_plugin_volume_used_bytes", name).map { $0 >= Double(8 << 20) && $0 < Double(32 << 20) }
                    == true)
            let free = samples.of("rbd_plugin_volume_available_bytes", name)
            #expect(free.map { $0 > 0 && $0 <= Double(24 << 20) } == true)
            #expect(samples.of("rbd_plugin_volume_used_inodes", name).map { $0 >= 1 } == true)
            let written = (samples.of("rbd_plugin_volume_written_bytes_total", name) ?? 0) - (before ?? 0)
            #expect(written >= Double(8 << 20), "\(written)")
            #expect(samples.of("rbd_plugin_volume_write_seconds_total", name).map { $0 > 0 } == true)
            #expect(
                text.contains(
                    #"rbd_plugin_volume_limit{limit="write-bps",pool="\#(stage.pool)",volume="\#(name)"} 52428800"#))
            #expect(text.contains("\nrbd_plugin_volumes_without_metrics 0\n"))
            #expect(text.contains(#"rbd_plugin_fences_total{outcome="raised"} 0"#))

            let file = stage.plugin.scratch.path + "/metrics.txt"
            try write(text, to: file)
            let checked = try await runTool("sh", ["-c", #"promtool check metrics <"$1" 2>&1"#, "sh", file])
            #expect(checked.succeeded && checked.output.isEmpty, "\(checked.output)")

            let page = try String(decoding: read(Dashboard.folder + "/README.md"), as: UTF8.self)
            for line in text.split(separator: "\n") where line.hasPrefix("# TYPE ") {
                let metric = line.split(separator: " ")[2]
                #expect(page.contains("`\(metric)`"), "docs/monitoring/README.md does not tell of \(metric)")
            }

            try await stage.client.unmount(name, id: "a").checked()
            #expect(try await Samples(stage).of("rbd_plugin_volume_size_bytes", name) == nil)
        }
    }

    @Test("METRICS_VOLUMES bounds how many volumes have metrics, and the metrics say how many have none")
    func bounded() async throws {
        try await Stage.with(settings: ["METRICS_VOLUMES": "1"]) { stage in
            for stem in ["a", "b"] { try await stage.client.mount(try await stage.volume(stem), id: "x").checked() }
            let text = try await stage.client.fetch("/metrics").text
            #expect(text.split(separator: "\n").count { $0.hasPrefix("rbd_plugin_volume_size_bytes{") } == 1)
            #expect(text.contains("\nrbd_plugin_volumes_without_metrics 1\n"))
        }
    }

    @Test("A take-over and its fence are counted on the node that did it")
    func takeOver() async throws {
        let settings = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]
        try await Stage.with(settings: settings) { stage in
            let name = try await stage.volume("taken")
            try await stage.client.mount(name, id: "a").checked()
            try await stage.plugin.kill()
            try await stage.withAnotherNode(settings: settings) { _, client in
                try await eventually("the node to be dead", within: .seconds(60)) {
                    try await client.mount(name, id: "b").error.isEmpty
                }
                let text = try await client.fetch("/metrics").text
                #expect(text.contains("\nrbd_plugin_take_overs_total 1\n"))
                #expect(text.contains("\nrbd_plugin_fenced_clients_total 1\n"))
                #expect(text.contains(#"rbd_plugin_fences_total{outcome="raised"} 1"#))
                try await client.unmount(name, id: "b").checked()
            }
        }
    }

    @Test("METRICS_LISTEN serves the metrics and nothing else, to those who show the token that the file has now")
    func port() async throws {
        let (port, folder) = (try LoopbackPorts.free(1)[0], try ScratchFolder("m", of: .required()))
        let token = folder.path + "/token"
        try write("first\n", to: token)
        let settings = ["METRICS_LISTEN": "127.0.0.1:\(port)", "METRICS_TOKEN_FILE": token]
        try await Stage.with(settings: settings) { stage in
            func status(_ path: String, _ options: String...) async throws -> String {
                let url = "http://127.0.0.1:\(port)\(path)"
                let answer = try await runTool(
                    "curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20"] + options + [url])
                return answer.succeeded ? answer.output : answer.error
            }
            let shown = "Authorization: Bearer first"
            try await eventually("the port to be served") { try await status("/metrics", "-H", shown) == "200" }
            #expect(try await status("/metrics") == "401")
            #expect(try await status("/metrics", "-H", "Authorization: Bearer wrong") == "401")
            #expect(try await status("/healthz", "-H", shown) == "404")
            #expect(try await status("/VolumeDriver.List", "-H", shown, "-X", "POST") == "404")
            #expect(try await status("/metrics", "-H", shown, "-X", "POST") == "405")
            try write("second\n", to: token)
            #expect(try await status("/metrics", "-H", shown) == "401")
            #expect(try await status("/metrics", "-H", "Authorization: Bearer second") == "200")
            try FileManager.default.removeItem(atPath: token)
            #expect(try await status("/metrics", "-H", "Authorization: Bearer second") == "503")
            #expect(!stage.plugin.log.contains("second") && !stage.plugin.log.contains("Bearer"))
        }
    }

    @Test("A port that is taken keeps no plugin from serving volumes; the log says so")
    func portTaken() async throws {
        let port = try LoopbackPorts.free(1)[0]
        try await Stage.with(settings: ["METRICS_LISTEN": "\(port)"]) { stage in
            try await stage.withAnotherNode(settings: ["METRICS_LISTEN": "\(port)"]) { other, client in
                try await eventually("the second one to say so") {
                    other.log.contains("cannot serve metrics on METRICS_LISTEN")
                }
                #expect(other.log.contains("Address already in use"))
                #expect(try await client.list().succeeded)
            }
        }
    }

    @Test("A real Prometheus scrapes the plugin, takes the alert rules, and has data for every panel of the dashboard")
    func prometheus() async throws {
        let (ports, folder) = (try LoopbackPorts.free(2), try ScratchFolder("m", of: .required()))
        try write("s3cret\n", to: folder.path + "/token")
        let settings = [
            "METRICS_LISTEN": "127.0.0.1:\(ports[0])", "METRICS_TOKEN_FILE": folder.path + "/token",
        ]
        try await Stage.with(settings: settings) { stage in
            let name = try await stage.volume("shown")
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try await stage.operate("volume", "set", name, "write-bps=50M").checked()
            try await Prometheus.with(folder.path, port: ports[1], scraping: ports[0]) { prometheus in
                try await eventually("the plugin to be scraped", within: .seconds(60)) {
                    // There is something to measure meanwhile.
                    try write(randomBytes(64 << 10), to: mountpoint + "/data")
                    try await runTool("sync", [mountpoint + "/data"]).checked()
                    _ = try read(mountpoint + "/data")
                    return try await prometheus.query(#"rate(rbd_plugin_volume_writes_total[10s]) > 0"#) > 0
                }
                for expression in try Dashboard.expressions() {
                    try await eventually("data for \(expression)", within: .seconds(30)) {
                        try await prometheus.query(expression) > 0
                    }
                }
                #expect(try await prometheus.query(#"ALERTS{alertstate="firing",severity="critical"}"#) == 0)
                let rules = try await prometheus.get("/api/v1/rules")
                let groups = rules["data"]?["groups"]?.array ?? []
                let health = groups.flatMap { $0["rules"]?.array ?? [] }.map { $0["health"]?.string }
                #expect(health.count == 12 && health.allSatisfy { $0 == "ok" || $0 == "unknown" }, "\(health)")
            }
        }
    }

    @Test("The alerts fire at what they are for, and at nothing else")
    func alerts() async throws {
        let tested = try await runTool("promtool", ["test", "rules", Dashboard.folder + "/alerts-test.yml"])
        #expect(tested.succeeded, "\(tested.output)\(tested.error)")
        let rules = try text(of: Dashboard.folder + "/alerts.yml")
        let names = rules.split(separator: "\n").filter { $0.contains("- alert: ") }.map {
            $0.split(separator: " ").last
        }
        let told = try text(of: Dashboard.folder + "/alerts-test.yml")
        #expect(names.count == 12)
        for name in names { #expect(told.contains(#"alertname="\#(name ?? "?")""#), "\(name ?? "?") is not tested") }
    }
}

/// The values of metrics, of one scrape.
private struct Samples {
    private let lines: [Substring]
    private let pool: String

    init(_ stage: Stage) async throws {
        try self.init(try await stage.client.fetch("/metrics").text, pool: stage.pool)
    }

    init(_ text: String, pool: String) throws {
        lines = text.split(separator: "\n")
        self.pool = pool
    }

    func of(_ metric: String, _ volume: String) -> Double? {
        let series = "\(metric){pool=\"\(pool)\",volume=\"\(volume)\"} "
        return lines.first { $0.hasPrefix(series) }.flatMap { Double($0.dropFirst(series.count)) }
    }
}

private enum Dashboard {
    static let folder =
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/monitoring"

    /// What the panels ask, as Grafana would ask it for all nodes and volumes.
    static func expressions() throws -> [String] {
        let dashboard = try JSONValue(parsing: try text(of: folder + "/dashboard.json"))
        let targets = (dashboard["panels"]?.array ?? []).flatMap { $0["targets"]?.array ?? [] }
        let expressions = targets.compactMap { $0["expr"]?.string }
        guard expressions.count > 20 else { throw RigFailure("the dashboard has only \(expressions.count) queries") }
        return expressions.map {
            $0.replacing("$__rate_interval", with: "10s").replacing("$instance", with: ".*")
                .replacing("$volume", with: ".*")
        }
    }
}

/// Debian's Prometheus, on a port of its own.
private struct Prometheus {
    let port: UInt16

    static func with(
        _ folder: String, port: UInt16, scraping target: UInt16, _ body: (Prometheus) async throws -> Void
    ) async throws {
        try write(
            """
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: ["\(Dashboard.folder)/alerts.yml"]
            scrape_configs:
              - job_name: rbd-plugin
                authorization: {credentials_file: "\(folder)/token"}
                static_configs: [{targets: ["127.0.0.1:\(target)"]}]

            """, to: folder + "/prometheus.yml")
        let process = try SpawnedProcess(
            "/usr/bin/prometheus",
            [
                "--config.file=\(folder)/prometheus.yml", "--storage.tsdb.path=\(folder)/data",
                "--web.listen-address=127.0.0.1:\(port)",
            ],
            environment: ["PATH": "/usr/bin:/bin"], log: folder + "/prometheus.log")
        do {
            try await body(Prometheus(port: port))
        } catch {
            process.signal(15)
            try await process.waitForEnd()
            throw RigFailure("\(error)\nPrometheus's log: \((try? text(of: folder + "/prometheus.log")) ?? "")")
        }
        process.signal(15)
        try await process.waitForEnd()
    }

    /// - Returns: how many series the expression has now.
    func query(_ expression: String) async throws -> Int {
        let answer = try await get("/api/v1/query", "--data-urlencode", "query=\(expression)")
        return (answer["data"]?["result"]?.array ?? []).count
    }

    /// While it starts it refuses: that is an empty object.
    func get(_ path: String, _ options: String...) async throws -> JSONValue {
        let answer = try await runTool(
            "curl", ["-sS", "--fail", "-G", "--max-time", "20"] + options + ["http://127.0.0.1:\(port)\(path)"])
        return answer.succeeded ? try JSONValue(parsing: answer.output) : .object([:])
    }
}

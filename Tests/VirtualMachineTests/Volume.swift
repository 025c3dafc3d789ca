import FoundationEssentials
import Rig
import Testing

/// One test's volume, looked at behind the plugins' backs.
struct Volume: Sendable {
    let name: String
    let hosts: Hosts

    /// Creates it by way of host a.
    init(_ stem: String, on hosts: Hosts, _ options: [String: String] = [:]) async throws {
        name = uniqueName(stem)
        self.hosts = hosts
        let all = ["pool": hosts.environment.pool, "size": "64"].merging(options) { $1 }
        try await hosts.a.client.create(name, options: all).checked()
    }

    /// Mounts it, asking again and again as an orchestrator does, and says how long it took.
    func taken(by host: Host, id: String, within limit: Duration = .seconds(150)) async throws -> (
        mountpoint: String, after: Duration
    ) {
        let start = ContinuousClock.now
        var answer: PluginAnswer?
        try await eventually(
            "host \(host.name) to mount \(name); it says: \(answer?.error ?? "nothing")", within: limit
        ) {
            let now = try await host.client.mount(name, id: id)
            answer = now
            return now.succeeded
        }
        return (answer?.mountpoint ?? "", ContinuousClock.now - start)
    }

    /// Reads its image out of Ceph, without the kernel and without the plugin: its filesystem must be whole, and its
    /// records as expected. Nobody may have it mounted.
    func expectRecords(_ writers: [RecordLog.Acknowledged], sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let file = "\(hosts.environment.scratch)/\(name)"
        let image = "\(hosts.environment.pool)/\(name)"
        try await hosts.inNetwork("rbd", "--conf", hosts.environment.adminConf, "export", "--no-progress", image, file)
        try await runTool("e2fsck", ["-f", "-n", file]).checked()
        try await runTool("debugfs", ["-R", "dump /records \(file).records", file]).checked()
        let log = try await RecordLog.read(file + ".records")
        do {
            try log.expect(writers)
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
        for each in [file, file + ".records"] { try FileManager.default.removeItem(atPath: each) }
    }

    /// Who has its image open.
    func watchers() async throws -> [String] {
        let image = "\(hosts.environment.pool)/\(name)"
        let status = try await hosts.inNetwork("rbd", "--conf", hosts.environment.adminConf, "status", image).output
        return status.lines.filter { $0.contains("watcher=") }
    }

    /// Changes a feature of its image, as an administrator may at any time: `enable`, `disable`.
    func feature(_ verb: String, _ feature: String) async throws {
        let image = "\(hosts.environment.pool)/\(name)"
        try await hosts.inNetwork("rbd", "--conf", hosts.environment.adminConf, "feature", verb, image, feature)
    }

    /// Removes it, by way of host b.
    func remove() async throws { try await hosts.b.client.remove(name).checked() }
}

extension RecordLog {
    static func read(_ path: String) async throws -> RecordLog {
        // sha256sum takes one file after the other, and split makes one of each record.
        let sums = try await runTool(
            "split", ["--lines=1", "--filter", "head -c 190 | sha256sum | cut -d ' ' -f 1", path])
        return try RecordLog(try Text.ofFile(path), sums: try sums.checked().output.lines)
    }
}

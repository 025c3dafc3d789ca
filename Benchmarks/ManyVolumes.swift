import FoundationEssentials
import Rig

/// Get, Path and List with many volumes in etcd, put there without the plugin.
struct ManyVolumes {
    let bench: Bench
    let count: Int

    func measure(_ report: inout Report) async throws {
        Bench.say("\(count) volumes, put straight into etcd")
        let client = bench.plugin.client
        try await client.create("pattern", options: ["pool": bench.rig.pool, "size": "32"]).checked()
        let prefix = bench.plugin.settings.etcdPrefix
        guard let pattern = try await EtcdRig(bench.rig).value(of: "\(prefix)volumes/pattern") else {
            throw RigFailure("the volume 'pattern' is not recorded")
        }
        let before = try memory()
        try await load(pattern, prefix)
        try await eventually("the plugin to know all volumes", within: .seconds(120)) {
            try await client.list().checked().volumes?.count == count + 1
        }
        report.figures["memory"] = "\(before) before, \(try memory()) with \(count) volumes (RSS)"

        Bench.say("Capabilities, Get, Path, List with \(count) volumes")
        var connection = try await client.connect()
        func time(_ times: Int, _ request: [UInt8]) async throws -> Samples {
            var samples = Samples()
            for _ in 0..<times {
                let answer = try await samples.time { try await connection.exchange(request) }
                guard answer.status == 200 else { throw RigFailure("answered \(answer.status): \(answer.text)") }
            }
            return samples
        }
        let named: JSONValue = ["Name": .string("many-\(count / 2)")]
        let capabilities = try DockerRequest.call("VolumeDriver.Capabilities", JSONValue.object([:]))
        _ = try await time(200, capabilities)
        let floor = try await time(1000, capabilities)
        let get = try await time(1000, DockerRequest.call("VolumeDriver.Get", named))
        let path = try await time(1000, DockerRequest.call("VolumeDriver.Path", named))
        let list = try await time(
            bench.repetitions, DockerRequest.call("VolumeDriver.List", JSONValue.object([:])))
        report.add("Get (p95)", get, against: "Capabilities (p95)", floor.p95, goal: 2, byP95: true)
        report.add("Path (p95)", path, against: "Capabilities (p95)", floor.p95, goal: 2, byP95: true)
        report.add("List of \(count)", list, against: "one range of etcd", try await range(prefix), goal: 0.2)
        try await bench.plugin.terminate()
        try await EtcdRig(bench.rig).delete(prefix: prefix)
    }

    /// In transactions of 100 puts, by curl on the gateway.
    private func load(_ pattern: String, _ prefix: String) async throws {
        let file = "\(bench.plugin.scratch.path)/transaction.json"
        for first in stride(from: 0, to: count, by: 100) {
            let puts = (first..<min(first + 100, count)).map { number -> String in
                let name = "many-\(number)"
                let value = pattern.replacing("\"pattern\"", with: "\"\(name)\"")
                let key = Data("\(prefix)volumes/\(name)".utf8).base64EncodedString()
                return #"{"requestPut":{"key":"\#(key)","value":"\#(Data(value.utf8).base64EncodedString())"}}"#
            }
            try Data(#"{"success":[\#(puts.joined(separator: ","))]}"#.utf8).write(to: URL(filePath: file))
            let answer = try await runTool(
                "curl", ["-sf", "--data-binary", "@\(file)", "\(bench.rig.etcdEndpoints[0])/v3/kv/txn"]
            ).checked().output
            guard answer.contains(#""succeeded":true"#) else { throw RigFailure("etcd refused the volumes: \(answer)") }
        }
    }

    /// Reading the same records from etcd in one range, as plainly as can be: curl, nothing decoded.
    private func range(_ prefix: String) async throws -> Duration {
        let key = Data("\(prefix)volumes/".utf8).base64EncodedString()
        let end = Data("\(prefix)volumes0".utf8).base64EncodedString()
        var samples = Samples()
        for _ in 0..<bench.repetitions {
            try await samples.time {
                try await runTool(
                    "curl",
                    [
                        "-sf", "-o", "/dev/null", "-d", #"{"key":"\#(key)","range_end":"\#(end)"}"#,
                        "\(bench.rig.etcdEndpoints[0])/v3/kv/range",
                    ]
                ).checked()
            }
        }
        return samples.median
    }

    private func memory() throws -> String {
        guard let pid = bench.plugin.pid else { throw RigFailure("the plugin does not run") }
        let status = try String(contentsOf: URL(filePath: "/proc/\(pid)/status"), encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.map { String($0.dropFirst(6)).trimmed } ?? "unknown"
    }
}

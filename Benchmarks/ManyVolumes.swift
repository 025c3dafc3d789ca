import FoundationEssentials
import Rig

/// Capabilities, Get, Path and List with ever more volumes in etcd, put there without the plugin.
struct ManyVolumes {
    let bench: Bench
    /// How many, in growing order.
    let counts: [Int]

    /// The goals were set for this many, and for List of ten times as many.
    private static let standard = 10_000

    func measure(_ report: inout Report) async throws {
        try await bench.plugin.client.create("pattern", options: ["pool": bench.rig.pool, "size": "32"]).checked()
        let prefix = bench.plugin.settings.etcdPrefix
        guard let pattern = try await EtcdRig(bench.rig).value(of: "\(prefix)volumes/pattern") else {
            throw RigFailure("the volume 'pattern' is not recorded")
        }
        report.figures["memory without volumes"] = try memory()
        var known = 0
        var standardList: Duration?
        for count in counts {
            Bench.say("\(count) volumes, put straight into etcd")
            try await load(pattern, prefix, from: known, to: count)
            known = count
            try await waitUntilKnown(count)
            report.figures["memory with \(count) volumes"] = try memory()
            let list = try await measure(count, prefix, &report)
            if count == Self.standard { standardList = list.median }
            if count == 10 * Self.standard, let standardList {
                report.add("List of \(count)", list, against: "List of \(Self.standard)", standardList, goal: 12)
            }
            if count == Self.standard { try await measureStart(count, prefix, &report) }
        }
        try await bench.plugin.terminate()
        try await EtcdRig(bench.rig).delete(prefix: prefix)
    }

    private func waitUntilKnown(_ count: Int) async throws {
        try await eventually("the plugin to know all volumes", within: .seconds(300)) {
            (try? await bench.plugin.client.list().checked().volumes?.count) == count + 1
        }
    }

    private func measure(_ count: Int, _ prefix: String, _ report: inout Report) async throws -> Samples {
        Bench.say("Capabilities, Get, Path, List with \(count) volumes")
        let named: JSONValue = ["Name": .string("many-\(count / 2)")]
        let requests = try [
            "Capabilities": DockerRequest.call("VolumeDriver.Capabilities", JSONValue.object([:])),
            "Get": DockerRequest.call("VolumeDriver.Get", named),
            "Path": DockerRequest.call("VolumeDriver.Path", named),
        ]
        var connection = try await bench.plugin.client.connect()
        var samples: [String: Samples] = [:]
        // In turns, and the first ones not counted.
        for round in 0..<1200 {
            for (verb, request) in requests {
                var once = Samples()
                let answer = try await once.time { try await connection.exchange(request) }
                guard answer.status == 200 else { throw RigFailure("answered \(answer.status): \(answer.text)") }
                if round >= 200 { samples[verb, default: Samples()].merge(once) }
            }
        }
        let floor = samples["Capabilities"]?.p95 ?? .zero
        for verb in ["Get", "Path"] {
            report.add(
                "\(verb) with \(count) (p95)", samples[verb] ?? Samples(), against: "Capabilities (p95)", floor,
                goal: 2, byP95: true)
        }
        let request = try DockerRequest.call("VolumeDriver.List", JSONValue.object([:]))
        var (list, range) = (Samples(), Samples())
        for _ in 0..<bench.repetitions {
            let answer = try await list.time { try await connection.exchange(request) }
            guard answer.status == 200 else { throw RigFailure("answered \(answer.status): \(answer.text)") }
            try await range.time { try await readRange(prefix) }
        }
        report.add(
            "List of \(count)", list, against: "one range of etcd", range.median,
            goal: count == Self.standard ? 0.2 : nil)
        return list
    }

    /// From the start of the process until List has all volumes, without what a start costs anyway.
    private func measureStart(_ count: Int, _ prefix: String, _ report: inout Report) async throws {
        Bench.say("start with \(count) volumes")
        let list = try DockerRequest.call("VolumeDriver.List", JSONValue.object([:]))
        var (copy, pages) = (Samples(), Samples())
        for _ in 0..<bench.repetitions {
            try await bench.plugin.terminate()
            try await bench.plugin.start()
            try await bench.plugin.client.capabilities().checked()
            var connection = try await bench.plugin.client.connect()
            // A List waits for the copy. Reading its answer is not the plugin's work: nor does anybody read the pages.
            let answer = try await copy.time { try await connection.exchange(list) }
            guard try PluginAnswer(answer).checked().volumes?.count == count + 1 else {
                throw RigFailure("the first List after a start has not all \(count) volumes")
            }
            try await pages.time { try await readPages(prefix, count) }
        }
        report.add(
            "watched copy of \(count) at a start", copy, against: "one paged range of etcd", pages.median, goal: 2)
    }

    /// In transactions of 100 puts, by curl on the gateway.
    private func load(_ pattern: String, _ prefix: String, from begin: Int, to end: Int) async throws {
        let file = "\(bench.plugin.scratch.path)/transaction.json"
        for first in stride(from: begin, to: end, by: 100) {
            let puts = (first..<min(first + 100, end)).map { number -> String in
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

    /// The same records in one range, as plainly as can be: curl, nothing decoded.
    private func readRange(_ prefix: String) async throws {
        try await curl([rangeRequest(from: "\(prefix)volumes/", prefix)])
    }

    /// The same in pages of a thousand, one after the other on one connection.
    private func readPages(_ prefix: String, _ count: Int) async throws {
        let keys = ((0..<count).map { "many-\($0)" } + ["pattern"]).sorted()
        try await curl(
            stride(from: 0, to: keys.count, by: 1000).map {
                rangeRequest(from: "\(prefix)volumes/\(keys[$0])", prefix, limit: 1000)
            })
    }

    private func rangeRequest(from first: String, _ prefix: String, limit: Int? = nil) -> String {
        let key = Data(first.utf8).base64EncodedString()
        let end = Data("\(prefix)volumes0".utf8).base64EncodedString()
        return #"{"key":"\#(key)","range_end":"\#(end)""# + (limit.map { #","limit":"\#($0)"}"# } ?? "}")
    }

    private func curl(_ requests: [String]) async throws {
        let url = "\(bench.rig.etcdEndpoints[0])/v3/kv/range"
        let calls = requests.map { ["-sf", "-o", "/dev/null", "-d", $0, url] }
        try await runTool("curl", Array(calls.joined(separator: ["--next"]))).checked()
    }

    private func memory() throws -> String { "\(try ResidentMemory.kilobytes(of: bench.plugin)) kB (RSS)" }
}

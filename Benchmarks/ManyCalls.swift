import Rig

/// The plugin's memory before and after very many calls: what it kept of each would show.
struct ManyCalls {
    let bench: Bench

    private static let connections = 4
    /// Of each call, before the memory is looked at for the first time.
    private static let warmUp = 1_000
    private static let calls = 100_000
    private static let volumes = ["calls-0", "calls-1", "calls-2"]

    /// A call that some mixture is made of.
    private enum Kind: CaseIterable {
        case get, path, list, capabilities
        /// Of a name that is in no record: etcd is asked.
        case getUnknown
    }

    /// What 20 of the calls are.
    private static let mixture: [Kind] =
        [Kind](repeating: .get, count: 5) + [Kind](repeating: .path, count: 5) + [Kind](repeating: .list, count: 4)
        + [Kind](repeating: .capabilities, count: 5) + [.getUnknown]

    func measure(_ report: inout Report) async throws {
        Bench.say("memory over \(Self.calls) calls")
        for name in Self.volumes {
            try await bench.plugin.client.create(name, options: ["pool": bench.rig.pool, "size": "32"]).checked()
        }
        try await make(Self.warmUp * Kind.allCases.count, Kind.allCases)
        let before = try ResidentMemory.kilobytes(of: bench.plugin)
        let took = try await ContinuousClock().measure { try await make(Self.calls, Self.mixture) }
        let after = try ResidentMemory.kilobytes(of: bench.plugin)
        report.add(
            ReportLine(
                "memory after \(Self.calls) calls", Double(after) / 1024, .megabytes, against: "before them",
                Double(before) / 1024, goal: 1.1))
        report.figures["time of \(Self.calls) calls over \(Self.connections) connections"] =
            "\((took.milliseconds / 1000).shown) s"
        for name in Self.volumes { try await bench.plugin.client.remove(name).checked() }
    }

    /// Makes so many calls, over all connections, of these kinds in turns.
    private func make(_ count: Int, _ kinds: [Kind]) async throws {
        let client = bench.plugin.client
        try await withThrowingTaskGroup(of: Void.self) { group in
            for first in 0..<Self.connections {
                group.addTask {
                    var connection = try await client.connect()
                    for number in stride(from: first, to: count, by: Self.connections) {
                        // By rounds, so that each connection gets all kinds.
                        let kind = kinds[(number / Self.connections) % kinds.count]
                        let answer = try await connection.exchange(try Self.request(kind, number))
                        let isExpected = kind == .getUnknown ? Self.saysUnknown(answer) : answer.status == 200
                        guard isExpected else { throw RigFailure("answered \(answer.status): \(answer.text)") }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func request(_ kind: Kind, _ number: Int) throws -> [UInt8] {
        let known: JSONValue = ["Name": .string(volumes[number % volumes.count])]
        return switch kind {
        case .get: try DockerRequest.call("VolumeDriver.Get", known)
        case .path: try DockerRequest.call("VolumeDriver.Path", known)
        case .list: try DockerRequest.call("VolumeDriver.List", JSONValue.object([:]))
        case .capabilities: try DockerRequest.call("VolumeDriver.Capabilities", JSONValue.object([:]))
        // Another name each time: what is kept of a name must not grow either.
        case .getUnknown: try DockerRequest.call("VolumeDriver.Get", ["Name": .string("nobody-\(number)")])
        }
    }

    private static func saysUnknown(_ answer: HTTPAnswer) -> Bool {
        answer.status != 200 && answer.text.contains("there is no such volume")
    }
}

import FoundationEssentials
import Rig
import Testing

/// `kill -9` at any time, under a load of calls on several volumes.
@Suite("Killed at random")
struct RandomKillTests {
    /// `RANDOM_KILLS=200 make test FILTER=RandomKill` is what `make soak` does.
    private static let kills = variable("RANDOM_KILLS").flatMap { Int($0) } ?? 25
    /// Repeats the moments of a run as far as the machine does.
    private static let seed = variable("RANDOM_SEED").flatMap { UInt64($0) } ?? .random(in: 1...999_999)

    private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    @Test("Every acknowledged write is there, every call comes to its end, and nothing is left over")
    func mixedLoad() async throws {
        do {
            try await DisturbableRig.exclusively { rig in
                try await Stage.with(rig) { try await Self.mixedLoad(on: $0) }
            }
        } catch {
            throw RigFailure("with RANDOM_SEED=\(Self.seed): \(error)")
        }
    }

    private static func mixedLoad(on stage: Stage) async throws {
        let (end, ghosts) = (EndOfKills(), GhostWatches(stage.ceph))
        var loads: [MixedLoad] = []
        try await withThrowingTaskGroup(of: MixedLoad?.self) { group in
            for number in 0..<4 {
                group.addTask {
                    var load = MixedLoad(on: stage, seed: seed, number: number, until: end, ghosts)
                    try await load.run()
                    return load
                }
            }
            group.addTask {
                try await kill(stage.plugin)
                end.hasCome()
                return nil
            }
            for try await load in group { if let load { loads.append(load) } }
        }
        for index in loads.indices { try await loads[index].verifyAtTheEnd() }
        try await expectConsistent(stage, volumes: loads.map(\.name), ghosts)
        let sum = { (figure: (MixedLoad) -> Int) in loads.map(figure).reduce(0, +) }
        print(
            "killed at random: \(kills) kills, RANDOM_SEED=\(seed): \(sum(\.rounds)) rounds, \(sum(\.writes)) writes,"
                + " \(sum(\.repeatedCalls)) calls made again, \(await ghosts.exorcisms) times watches of dead clients cleared by hand"
        )
        for load in loads { try await stage.client.remove(load.name).checked() }
        try await stage.waitUntilUnchanged(since: Surroundings(facts: []), after: "the removal of all")
    }

    private static func kill(_ plugin: PluginProcess) async throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<kills {
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...2000, using: &random)))
            try await plugin.kill()
            try await plugin.start()
        }
    }

    /// One image for each volume, and no other once no watcher of a killed plugin counts any more.
    private static func expectConsistent(_ stage: Stage, volumes: [String], _ ghosts: GhostWatches) async throws {
        let began = ContinuousClock.now
        while try await stage.images() != volumes.sorted() {
            guard ContinuousClock.now < began + .seconds(150) else {
                throw RigFailure("images are left:\n\(try await describeLeftovers(stage, besides: volumes))")
            }
            if ContinuousClock.now > began + .seconds(50) { try await ghosts.exorcise() }
            try await Task.sleep(for: .seconds(1))
        }
        let records = try await stage.etcd.keys(stage.prefix).filter {
            !$0.contains("/nodes/") && !$0.hasSuffix("/cluster")
        }
        #expect(records == volumes.sorted().map { "\(stage.prefix)volumes/\($0)" })
        #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
    }
}

extension RandomKillTests {
    /// What Ceph and etcd say of images that are no volume's.
    private static func describeLeftovers(_ stage: Stage, besides volumes: [String]) async throws -> String {
        var lines: [String] = []
        for image in try await stage.images() where !volumes.contains(image) {
            for verb in ["info", "status"] {
                let result = try await stage.ceph.run("rbd", [verb, stage.image(image)])
                lines.append("\(image), \(verb): \(result.output) \(result.error)")
            }
        }
        lines.append(try await stage.ceph.rados("--pool", stage.pool, "--namespace", stage.namespace, "ls"))
        lines.append(try await stage.etcd.etcdctl("get", "--prefix", stage.prefix))
        return lines.joined(separator: "\n")
    }
}

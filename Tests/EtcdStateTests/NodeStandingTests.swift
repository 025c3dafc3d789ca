import EtcdClient
import RealParts
import Rig
import Testing
import VolumeCore

@testable import EtcdState

/// Two hosts under one node's name.
@Suite struct NodeStandingTests {
    private func record(_ boot: String, node: String = "n") -> NodeRecord {
        NodeRecord(NodeIdentity(node: node, boot: boot), since: "now", version: "test")
    }

    // MARK: The rule

    @Test("B4: a key that is absent or this boot's may be written, another boot's may not")
    func b4WhoMayWrite() {
        let rule = StandingRule(me: record("a"), ttl: .seconds(30))
        #expect(rule.mayWrite(over: nil))
        #expect(rule.mayWrite(over: record("a")))
        #expect(!rule.mayWrite(over: record("b")))
    }

    @Test("B4: another boot's key is waited for as long as a lease can last, then it lives")
    func b4Waiting() {
        var rule = StandingRule(me: record("a"), ttl: .seconds(30))
        let start = ContinuousClock.now
        rule.meet(record("b"), at: start)
        #expect(rule.standing == .waiting(for: record("b")))
        rule.meet(record("b"), at: start.advanced(by: .seconds(32)))
        #expect(rule.standing == .waiting(for: record("b")))
        rule.meet(record("b"), at: start.advanced(by: .seconds(33)))
        #expect(rule.standing == .taken(by: record("b")))
        rule.hold()
        #expect(rule.standing == .mine)
    }

    @Test("B4: each boot that comes is waited for by itself")
    func b4AnotherRival() {
        var rule = StandingRule(me: record("a"), ttl: .seconds(30))
        let start = ContinuousClock.now
        rule.meet(record("b"), at: start)
        rule.meet(record("c"), at: start.advanced(by: .seconds(33)))
        #expect(rule.standing == .waiting(for: record("c")))
    }

    @Test("B4: a boot that took the name while this one had it lives for certain")
    func b4TakenAtRunTime() {
        var rule = StandingRule(me: record("a"), ttl: .seconds(30))
        rule.hold()
        rule.meet(record("b"), at: .now)
        #expect(rule.standing == .taken(by: record("b")))
    }

    // MARK: On a real etcd

    private final class Heart: Sendable {
        let beat: NodeHeartbeat
        private let task: Task<Void, Never>

        init(_ state: RealState, _ record: NodeRecord, isIdle: Bool = false) {
            let beat = NodeHeartbeat(
                client: state.client, keys: state.keys, record: record, ttl: .seconds(2), clock: state.clock,
                log: RealNode.silent)
            self.beat = beat
            task = Task { await beat.run { isIdle } }
        }

        func stop() async {
            task.cancel()
            await task.value
        }
    }

    private func boot(_ state: RealState) async throws -> String? {
        let key = state.keys.node("n")
        return try await state.client.get(key).map {
            try RecordCodec.decode(NodeRecord.self, from: $0.value, key: key).boot
        }
    }

    @Test("B4: a second host with the same name leaves the first one's key alone, and has it once that one is gone")
    func b4SecondHost() async throws {
        try await RealState.with { state in
            let first = Heart(state, record("a"))
            try await eventually("the first host has its name") { first.beat.standing == .mine }
            let second = Heart(state, record("b"))
            try await eventually("the second one waits") { second.beat.standing == .waiting(for: record("a")) }
            try await eventually("the second one gives up") { second.beat.standing == .taken(by: record("a")) }
            #expect(try await boot(state) == "a")
            #expect(first.beat.standing == .mine)
            #expect(!second.beat.hasHeldName)
            await first.stop()
            try await eventually("the name is free") { second.beat.standing == .mine }
            #expect(try await boot(state) == "b")
            let back = Heart(state, record("a"))
            try await eventually("the first one waits in turn") { back.beat.standing == .waiting(for: record("b")) }
            await back.stop()
            await second.stop()
        }
    }

    @Test("B4: a plugin that restarts in the same boot goes on at once, also when its old lease runs out")
    func b4Restart() async throws {
        try await RealState.with { state in
            let first = Heart(state, record("a"))
            try await eventually("the first run has its name") { first.beat.standing == .mine }
            await first.stop()
            let again = Heart(state, record("a"))
            try await eventually("the second run has it") { again.beat.standing == .mine }
            let old = try #require(await state.client.get(state.keys.node("n"))?.lease)
            try await state.client.revoke(old)
            try await eventually("the name is written again") { try await boot(state) == "a" }
            await again.stop()
        }
    }

    @Test("B4: a host whose key another one has taken meanwhile stops, and goes on when it is free")
    func b4TakenMeanwhile() async throws {
        try await RealState.with { state in
            let first = Heart(state, record("a"))
            try await eventually("the first host has its name") { first.beat.standing == .mine }
            // As after a cut from etcd for longer than the lease lasts.
            try await state.client.put(state.keys.node("n"), try RecordCodec.encode(record("b"), write: "b"))
            try await eventually("the first host stops") { first.beat.standing == .taken(by: record("b")) }
            #expect(first.beat.hasHeldName)
            #expect(try await boot(state) == "b")
            try await state.client.delete(state.keys.node("n"))
            try await eventually("the first host goes on") { first.beat.standing == .mine }
            await first.stop()
        }
    }

    @Test(
        "B4: the lease is given back at the end where nothing is mounted, and kept where something is",
        arguments: [true, false])
    func b4GivenBack(isIdle: Bool) async throws {
        try await RealState.with { state in
            let heart = Heart(state, record("a"), isIdle: isIdle)
            try await eventually("the host has its name") { heart.beat.standing == .mine }
            await heart.stop()
            #expect(try await boot(state) == (isIdle ? nil : "a"))
        }
    }

    @Test("B4: a host that cannot confirm its name for as long as its lease lasts is not sure of it any more")
    func b4Unconfirmed() async throws {
        try await EtcdServer.with { server in
            let client = try EtcdClient(
                configuration: EtcdConfiguration(endpoints: try Endpoint.parse(server.url)), logger: RealNode.silent)
            let state = RealState(client: client, keys: StateKeys(prefix: "unconfirmed"))
            let heart = Heart(state, record("a"))
            try await eventually("the host has its name") { heart.beat.standing == .mine }
            server.freeze()
            try await eventually("the host is in doubt") { heart.beat.standing == .unknown }
            server.thaw()
            try await eventually("the host is sure again") { heart.beat.standing == .mine }
            await heart.stop()
            await client.shutdown()
        }
    }

    @Test("B4: of many hosts that start at once under one name one has it")
    func b4Race() async throws {
        try await RealState.with { state in
            let hearts = (0..<8).map { Heart(state, record("boot-\($0)")) }
            try await eventually("all have found out") { hearts.allSatisfy { $0.beat.standing != .unknown } }
            #expect(hearts.count { $0.beat.standing == .mine } == 1)
            for heart in hearts { await heart.stop() }
        }
    }
}

import EtcdClient
import RealParts
import Rig
import Testing
import VolumeCore

@testable import EtcdState

/// etcd put back from a backup while the plugin runs.
@Suite(.timeLimit(.minutes(2))) struct RestoredEtcdTests {
    private func names(_ copy: WatchedVolumes) -> [String] { copy.compactMap(\.name.text) }

    /// - Parameter growth: by how many revisions the restored history has grown before the plugin finds it: by more than
    ///   the history that it knows, or by nothing.
    @Test("B8: after a backup was put back, no volume of the other history is answered", arguments: [0, 200])
    func b8RestoredEtcd(growth: Int) async throws {
        try await EtcdServer.with { server in
            let client = try EtcdClient(
                configuration: EtcdConfiguration(endpoints: try Endpoint.parse(server.url)), logger: RealNode.silent)
            let state = RealState(client: client, keys: StateKeys(prefix: "restored/"))
            let copy = WatchedVolumes(
                keys: state.keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
            let watching = Task { await copy.run(client: client, clock: state.clock) }

            _ = try await make("kept", state)
            let back = try await make("back", state)
            let snapshot = try await server.saveSnapshot()
            let deleted = try #require(await state.store.commit(.init(volume: .delete), over: back))
            copy.observe(deleted)
            for number in 0..<50 { copy.observe(try await make("gone-\(number)", state)) }
            try await eventually("the copy has followed") { names(copy).count == 51 }
            #expect(copy.find(back.name) == nil)

            try await server.restore(snapshot) { other in
                for number in 0..<growth { try await other.etcdctl("put", "restored/other-\(number)", "x") }
            }
            try await eventually("the copy shows the restored history") { names(copy) == ["back", "kept"] }
            #expect(copy.isLoaded)
            #expect(copy.find(back.name) != nil)
            copy.observe(try await make("after", state))
            #expect(names(copy) == ["after", "back", "kept"])
            try await eventually("the copy is current") { copy.isCurrent }

            watching.cancel()
            await watching.value
            await client.shutdown()
        }
    }

    @Test("B8: an etcd that was only away does not have all read anew")
    func b8TheSameHistoryIsNotReadAnew() async throws {
        try await EtcdServer.with { server in
            let client = try EtcdClient(
                configuration: EtcdConfiguration(endpoints: try Endpoint.parse(server.url)), logger: RealNode.silent)
            try await client.put("f/1", "a")
            var follow = client.follow(prefix: "f/").makeAsyncIterator()
            var told: [String] = []
            func take(until last: String) async throws {
                while told.last != last, let element = try await follow.next() {
                    switch element {
                    case .page(let entries, _): told.append("page of \(entries.count)")
                    case .snapshot: told.append("snapshot")
                    case .events(let events, _):
                        told += events.map { "\($0.key) \($0.keyValue == nil ? "gone" : "put")" }
                    case .connected: told.append("connected")
                    case .disconnected: told.append("disconnected")
                    case .progress: break
                    case .replaced: told.append("replaced")
                    }
                }
            }
            try await take(until: "connected")
            try await client.put("f/2", "b")
            try await client.delete("f/1")
            try await take(until: "f/1 gone")
            await server.kill()
            try await take(until: "disconnected")
            try await server.restart()
            try await take(until: "connected")
            try await client.put("f/3", "c")
            try await take(until: "f/3 put")
            #expect(
                told == [
                    "page of 1", "snapshot", "connected", "f/2 put", "f/1 gone", "disconnected", "connected",
                    "f/1 gone",
                    "f/3 put",
                ])
            await client.shutdown()
        }
    }

    private func make(_ name: String, _ state: RealState) async throws -> StoredVolume {
        let name = try VolumeName(name)
        let record = VolumeRecord(
            name: name, uid: "u", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: "")
        return try #require(
            await state.store.commit(.init(volume: .put(record)), over: StoredVolume(name: name, revision: 0)))
    }
}

import EtcdClient
import RBDDriver
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import EtcdState

/// The history on a real etcd.
@Suite("The history in etcd") struct HistoryTests {
    private func volume(_ name: VolumeName) -> VolumeRecord {
        VolumeRecord(
            name: name, uid: "u1", phase: .ready, spec: VolumeSpec(pool: "rbd", size: .gibibytes(1)), options: [:],
            createdAt: "2026-01-01T00:00:00Z", imageID: "abc")
    }

    private func attachment(_ state: VolumeCore.Attachment.State = .attached) -> VolumeCore.Attachment {
        VolumeCore.Attachment(
            volumeUID: "u1", owner: NodeIdentity(node: "node-1", boot: "b"), epoch: Epoch(1), state: state,
            device: "/dev/rbd0", mountpoint: "/mnt/volumes/db", since: "2026-01-01T00:00:00Z")
    }

    private func made(_ state: RealState, _ name: VolumeName, mounted: Bool = false) async throws -> StoredVolume {
        let change = StoreChange(
            volume: .put(volume(name)), attachment: mounted ? .put(attachment()) : .keep)
        return try #require(await state.store.commit(change, over: StoredVolume(name: name, revision: 0)))
    }

    private func withEtcd(_ options: EtcdServer.Options = .init(), _ body: (EtcdServer, RealState) async throws -> Void)
        async throws
    {
        try await EtcdServer.with(options) { server in
            let client = try EtcdClient(
                configuration: EtcdConfiguration(endpoints: try Endpoint.parse(server.url)), logger: RealNode.silent)
            try await body(server, RealState(client: client, keys: StateKeys(prefix: "p/")))
            await client.shutdown()
        }
    }

    @Test("A full etcd, which refuses every put, lets an Unmount delete its record: without an entry")
    func full() async throws {
        try await withEtcd(.init(flags: ["--quota-backend-bytes", "1000000"])) { _, state in
            let name = try VolumeName("db")
            let stored = try await made(state, name, mounted: true)
            let told = try await state.history.entries(of: nil)
            #expect(told.map(\.event) == ["created"])
            for number in 0..<20 {
                _ = try? await state.client.put("big/\(number)", [UInt8](repeating: 7, count: 200_000))
            }
            let after = try #require(await state.store.commit(.init(attachment: .delete), over: stored))
            #expect(after.attachment == nil)
            #expect(try await state.store.read(name).attachment == nil)
            #expect(try await state.history.entries(of: nil) == told)
            // What is too old goes also then.
            #expect(try await state.history.sweep(HistoryBounds(keep: .seconds(-60)), me: "node-1") == 1)
        }
    }

    @Test("A user of etcd who may not write the history makes changes without it")
    func forbidden() async throws {
        try await EtcdServer.with { server in
            try await server.etcdctl("role", "add", "records")
            for folder in ["mounts", "readers", "desired", "requests", "trash"] {
                try await server.etcdctl(
                    "role", "grant-permission", "records", "readwrite", "--prefix=true", "p/\(folder)/")
            }
            try await server.enableAuthentication(
                rootPassword: "root", user: "plugin", password: "secret", prefix: "p/volumes/")
            try await server.etcdctl("user", "grant-role", "plugin", "records", user: "root:root")
            let configuration = EtcdConfiguration(
                endpoints: try Endpoint.parse(server.url),
                credentials: EtcdCredentials(username: "plugin", password: "secret"))
            let client = try EtcdClient(configuration: configuration, logger: RealNode.silent)
            let state = RealState(client: client, keys: StateKeys(prefix: "p/"))
            let name = try VolumeName("db")
            let stored = try await made(state, name)
            #expect(try await state.store.read(name).volume == stored.volume)
            let keys = try await server.etcdctl("get", "--prefix", "--keys-only", "p/", user: "root:root")
            #expect(keys.split(separator: "\n").map(String.init) == ["p/volumes/db"])
            await client.shutdown()
        }
    }

    @Test("Whoever follows the records, or reads all of them, reads nothing of the history")
    func apart() async throws {
        try await RealState.with { state in
            var follow = state.client.follow(state.keys.records).makeAsyncIterator()
            let one = try VolumeName("one")
            _ = try await made(state, one)
            var keys: [String] = []
            while !keys.contains(state.keys.record(.volume, of: try VolumeName("two"))) {
                switch try await follow.next() {
                case .page(let entries, _): keys += entries.map(\.key)
                case .events(let events, _): keys += events.map(\.key)
                case .connected: _ = try await made(state, try VolumeName("two"))
                default: break
                }
            }
            #expect(try await state.history.entries(of: nil).count == 2)
            #expect(keys.sorted() == ["one", "two"].map { state.keys.prefix + "volumes/" + $0 })
            #expect(try await state.store.readAtOnce().volumes.map(\.name.text) == ["one", "two"])
            let strange = [
                state.keys.cluster, state.keys.global, state.keys.node("n"), state.keys.policies,
                state.keys.quota(.standard),
            ]
            for key in strange + RecordKind.allCases.map(state.keys.folder) {
                #expect(key.utf8.lexicographicallyPrecedes((state.keys.prefix + ".history0").utf8) == false, "\(key)")
            }
        }
    }

    @Test("A sweep deletes what is old, in as many transactions as it takes, and leaves what is new or strange")
    func sweeps() async throws {
        try await RealState.with { state in
            let author = HistoryAuthor(node: "node-1")
            let now = state.clock.wallTime()
            func put(_ number: Int, daysAgo days: Int, of volume: VolumeName) async throws {
                let at = WallTime(seconds: now.seconds - Int64(days) * 86_400)
                let key = HistoryKey(at: at, node: "node-1", token: "t\(number)", volume: volume)
                let entry = HistoryEntry(HistoryStep(.mounted, uid: "u1"), of: volume, by: author, at: at)
                try await state.client.put(state.keys.history(key), try RecordCodec.encode(entry, write: "t"))
            }
            let name = try VolumeName("old")
            for number in 0..<250 { try await put(number, daysAgo: 31, of: name) }
            for number in 250..<253 { try await put(number, daysAgo: 29, of: name) }
            try await state.client.put(state.keys.history + "2020-01-01/strange", "x")
            let bounds = HistoryBounds(keep: .seconds(30 * 86_400))
            #expect(try await state.history.sweep(bounds, me: "node-1") == 250)
            #expect(try await state.history.entries(of: name).count == 3)
            #expect(try await state.client.get(state.keys.history + "2020-01-01/strange") != nil)
            #expect(try await state.history.sweep(bounds, me: "node-1") == 0)
            #expect(try await state.history.sweep(.init(keep: bounds.keep, perVolume: 2), me: "node-1") == 1)
        }
    }

    @Test("Who follows the history is told of what was and of what comes, each entry once and in order")
    func follows() async throws {
        try await RealState.with { state in
            let (one, other) = (try VolumeName("one"), try VolumeName("other"))
            let stored = try await made(state, one)
            let told = Mutex<[String]>([])
            let following = Task { [history = state.history] in
                try await history.follow(of: one) { entry in told.withLock { $0.append(entry.what) } }
            }
            try await eventually("the first entry") { told.withLock(\.count) == 1 }
            _ = try await made(state, other)
            var protected = volume(one)
            protected.isProtected = true
            _ = try await state.otherStore.commit(.init(volume: .put(protected)), over: stored)
            try await eventually("the second entry") { told.withLock(\.count) == 2 }
            following.cancel()
            _ = await following.result
            #expect(told.withLock(\.self) == ["created with 1G", "protected it"])
        }
    }
}

import EtcdClient
import RBDDriver
import RealParts
import Testing
import VolumeCore

@testable import EtcdState

@Suite struct WatchedVolumesTests {
    /// A copy of what the client shows of the keys, as long as `body` runs.
    private func following(
        _ client: EtcdClient, _ keys: StateKeys, _ body: (WatchedVolumes) async throws -> Void
    ) async throws {
        let copy = WatchedVolumes(keys: keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
        let watching = Task { await copy.run(client: client, clock: SystemClock()) }
        let result: Result<Void, any Error>
        do { result = .success(try await body(copy)) } catch { result = .failure(error) }
        watching.cancel()
        await watching.value
        try result.get()
    }

    /// More than a page of them: a volume's two keys are in different pages.
    @Test func whoWaitsForTheFirstReadingSeesAllOfIt() async throws {
        try await RealState.with { state in
            let names = (0..<1100).map { "v\(10_000 + $0)" }
            for name in names {
                let name = try VolumeName(name)
                let record = VolumeRecord(
                    name: name, uid: "u", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: "")
                try await state.client.put(
                    state.keys.record(.volume, of: name), try RecordCodec.encode(record, write: "w"))
            }
            let owned = try VolumeName(try #require(names.first))
            let attachment = Attachment(
                volumeUID: "u", owner: NodeIdentity(node: "a", boot: "b"), epoch: Epoch(1), state: .attached,
                since: "")
            try await state.client.put(
                state.keys.record(.mount, of: owned), try RecordCodec.encode(attachment, write: "w"))
            try await following(state.client, state.keys) { copy in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            await copy.firstReading()
                            #expect(copy.compactMap(\.name.text) == names)
                        }
                    }
                }
                #expect(copy.unsettled().map(\.name) == [owned])
                #expect(copy.find(owned)?.volume != nil)
            }
        }
    }

    @Test func nobodyWaitsForAnEtcdThatDoesNotAnswer() async throws {
        var configuration = EtcdConfiguration(endpoints: try Endpoint.parse("http://127.0.0.1:1"))
        configuration.requestTimeout = .milliseconds(500)
        let client = try EtcdClient(configuration: configuration, logger: RealNode.silent)
        try await following(client, StateKeys(prefix: "nobody")) { copy in
            await copy.firstReading()
            #expect(!copy.isLoaded)
        }
        await client.shutdown()
    }

    @Test func nobodyWaitsForACopyThatIsNotKeptAnyMore() async throws {
        try await RealState.with { state in
            let copy = WatchedVolumes(
                keys: state.keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
            let ended = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                await copy.run(client: state.client, clock: state.clock)
            }
            await ended.value
            await copy.firstReading()
            #expect(!copy.isLoaded)
        }
    }

    // MARK: What is nobody's

    private let keys = StateKeys(prefix: "test")

    private func told(_ elements: [FollowElement], _ copy: WatchedVolumes) async {
        var pages: [Task<WatchedPage, Never>] = []
        for element in elements { await copy.take(element, &pages) }
    }

    private func record(_ name: VolumeName) -> VolumeRecord {
        VolumeRecord(name: name, uid: "u", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: "")
    }

    private func volume(_ name: VolumeName, revision: Int64) throws -> KeyValue {
        KeyValue(
            keyBytes: Array(keys.record(.volume, of: name).utf8),
            value: try RecordCodec.encode(record(name), write: "w"),
            createRevision: revision, modRevision: revision, version: 1)
    }

    @Test func namesThatAreNobodysAreForgottenOnceTheWatchHasToldOfThem() async throws {
        let copy = WatchedVolumes(keys: keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
        await told([.page([], isFirst: true), .snapshot(revision: 10)], copy)
        for number in 0..<1000 { copy.observe(StoredVolume(name: try VolumeName("old-\(number)"), revision: 10)) }
        #expect(copy.tombstones == 0, "the reading has told of them")
        for number in 0..<10 { copy.observe(StoredVolume(name: try VolumeName("new-\(number)"), revision: 12)) }
        #expect(copy.tombstones == 10)
        await told([.progress(revision: 11)], copy)
        #expect(copy.tombstones == 10)
        await told([.progress(revision: 12)], copy)
        #expect(copy.tombstones == 0)
    }

    @Test func whatTheWatchTellsLateDoesNotBringBackWhatIsGone() async throws {
        let copy = WatchedVolumes(keys: keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
        let name = try VolumeName("db")
        let put = { [self] revision in
            let entry = try volume(name, revision: revision)
            return FollowElement.events(
                [WatchEvent(keyBytes: entry.keyBytes, revision: revision, change: .put(entry))], revision: revision)
        }
        await told([.page([], isFirst: true), .snapshot(revision: 10)], copy)
        copy.observe(StoredVolume(name: name, revision: 12))
        await told([try put(11)], copy)
        #expect(copy.find(name) == nil)
        await told([.page([try volume(name, revision: 11)], isFirst: true), .snapshot(revision: 11)], copy)
        #expect(copy.find(name) == nil, "a reading that is older than what this node knows")
        await told([try put(13)], copy)
        #expect(copy.find(name) != nil)
        #expect(copy.tombstones == 0)
    }

    @Test("G22: a reading that began before this node's own write does not take the write back")
    func g22AReadingTakesNothingNewerBack() async throws {
        let copy = WatchedVolumes(keys: keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
        let name = try VolumeName("db")
        copy.observe(StoredVolume(name: name, volume: Revisioned(record(name), revision: 12), revision: 12))
        await told([.page([], isFirst: true), .snapshot(revision: 11)], copy)
        #expect(copy.find(name)?.revision == 12)
    }

    @Test("G21: both records that one transaction has written arrive")
    func g21BothRecordsOfATransactionArrive() async throws {
        let copy = WatchedVolumes(keys: keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
        let name = try VolumeName("db")
        let entry = try volume(name, revision: 11)
        let attachment = Attachment(
            volumeUID: "u", owner: NodeIdentity(node: "a", boot: "b"), epoch: Epoch(1), state: .attaching, since: "")
        let mount = KeyValue(
            keyBytes: Array(keys.record(.mount, of: name).utf8), value: try RecordCodec.encode(attachment, write: "w"),
            createRevision: 11, modRevision: 11, version: 1)
        let events = [entry, mount].map { WatchEvent(keyBytes: $0.keyBytes, revision: 11, change: .put($0)) }
        await told([.page([], isFirst: true), .snapshot(revision: 10), .events(events, revision: 11)], copy)
        #expect(copy.find(name)?.volume != nil && copy.find(name)?.attachment != nil)
    }
}

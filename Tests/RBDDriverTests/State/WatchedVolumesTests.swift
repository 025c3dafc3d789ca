import EtcdClient
import Rig
import Testing
import VolumeCore

@testable import RBDDriver

@Suite struct WatchedVolumesTests {
    /// A copy of what the client shows of the keys, as long as `body` runs.
    private func following(
        _ client: EtcdClient, _ keys: StateKeys, _ body: (WatchedVolumes) async throws -> Void
    ) async throws {
        let copy = WatchedVolumes(keys: keys, log: RealNode.silent)
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
                try await state.client.put(state.keys.volume(name), try RecordCodec.encode(record, write: "w"))
            }
            let owned = try VolumeName(try #require(names.first))
            let attachment = Attachment(
                volumeUID: "u", owner: NodeIdentity(node: "a", boot: "b"), epoch: Epoch(1), state: .attached,
                since: "")
            try await state.client.put(state.keys.attachment(owned), try RecordCodec.encode(attachment, write: "w"))
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
            let copy = WatchedVolumes(keys: state.keys, log: RealNode.silent)
            let ended = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                await copy.run(client: state.client, clock: state.clock)
            }
            await ended.value
            await copy.firstReading()
            #expect(!copy.isLoaded)
        }
    }
}

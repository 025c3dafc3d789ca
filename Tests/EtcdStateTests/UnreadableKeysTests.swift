import EtcdClient
import FoundationEssentials
import RBDDriver
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import EtcdState

/// Keys below the prefix that are no records of this version.
@Suite struct UnreadableKeysTests {
    /// What was told to be unreadable.
    private final class Told: Sendable {
        let errors = Mutex<[String]>([])
        var keys: UnreadableKeys { UnreadableKeys { error in self.errors.withLock { $0.append("\(error)") } } }
        func count(of key: String) -> Int { errors.withLock { $0.count { $0.contains("etcd key \(key):") } } }
    }

    private func record(_ name: VolumeName) -> VolumeRecord {
        VolumeRecord(name: name, uid: "u", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: "")
    }

    private func attachment() -> VolumeCore.Attachment {
        VolumeCore.Attachment(
            volumeUID: "u", owner: NodeIdentity(node: "a", boot: "b"), epoch: Epoch(1), state: .attached, since: "")
    }

    /// A volume that is whole, and everything that must not be in its way.
    private func litter(_ state: RealState) async throws -> (good: VolumeName, bad: [VolumeName]) {
        let good = try VolumeName("good")
        try await state.client.put(
            state.keys.record(.volume, of: good), try RecordCodec.encode(record(good), write: "w"))
        try await state.client.put(
            state.keys.record(.mount, of: good), try RecordCodec.encode(attachment(), write: "w"))
        try await state.client.put(state.keys.prefix + "mounts/a/b", "x")
        try await state.client.put(state.keys.prefix + "volumes/..", "x")
        try await state.client.put(state.keys.node("odd"), "no JSON")
        let bad = try ["newer", "no-json", "odd-mount"].map { try VolumeName($0) }
        var newer = try RecordCodec.encode(record(bad[0]), write: "w")
        newer = Array(String(decoding: newer, as: UTF8.self).replacing("\"schema\":1", with: "\"schema\":99").utf8)
        try await state.client.put(state.keys.record(.volume, of: bad[0]), newer)
        try await state.client.put(state.keys.record(.volume, of: bad[1]), "{")
        try await state.client.put(
            state.keys.record(.volume, of: bad[2]), try RecordCodec.encode(record(bad[2]), write: "w"))
        try await state.client.put(state.keys.record(.mount, of: bad[2]), "{\"schema\":99}")
        return (good, bad)
    }

    private func store(_ state: RealState, _ told: UnreadableKeys) -> EtcdVolumeStore {
        EtcdVolumeStore(
            client: state.client, keys: state.keys, clock: state.clock, tokens: RandomTokens(), timeout: .seconds(8),
            unreadable: told)
    }

    @Test("B7: stray keys and records that cannot be read stop nothing, and are told of once")
    func b7StrayKeysStopNothing() async throws {
        try await RealState.with { state in
            let (good, bad) = try await litter(state)
            let told = Told()
            let (keys, store) = (told.keys, store(state, told.keys))
            for _ in 0..<3 {
                #expect(try await store.readAll().map(\.name) == [good])
                #expect(try await store.readAttachments().keys.sorted() == [good])
            }
            let nodes = EtcdNodeDirectory(
                client: state.client, keys: state.keys, clock: state.clock, timeout: .seconds(8), unreadable: keys)
            #expect(try await nodes.living().isEmpty)
            #expect(try await nodes.living().isEmpty)
            for key in [
                "mounts/a/b", "volumes/..", "nodes/odd", "volumes/newer", "volumes/no-json", "mounts/odd-mount",
            ] {
                #expect(told.count(of: state.keys.prefix + key) == 1, "\(key)")
            }
            try await state.client.put(state.keys.record(.volume, of: bad[1]), "{{")
            _ = try await store.readAll()
            #expect(told.count(of: state.keys.record(.volume, of: bad[1])) == 2, "it has changed")
        }
    }

    @Test("B7: a record that cannot be read is never taken for absent")
    func b7UnreadableIsNotAbsent() async throws {
        try await RealState.with { state in
            let (_, bad) = try await litter(state)
            let store = store(state, Told().keys)
            for name in bad {
                let error = await #expect(throws: VolumeError.self) { _ = try await store.read(name) }
                #expect(error?.code == .unexplained)
                // Who takes it for absent finds a key there.
                let change = StoreChange(volume: .put(record(name)), attachment: .put(attachment()))
                await #expect(throws: VolumeError.self) {
                    _ = try await store.commit(change, over: StoredVolume(name: name, revision: 1))
                }
            }
            #expect(try await state.client.get(state.keys.record(.volume, of: bad[1]))?.text == "{")
        }
    }

    @Test("B7: the watched copy leaves out what cannot be read, from the reading and from events")
    func b7TheCopyLeavesThemOut() async throws {
        try await RealState.with { state in
            let (good, bad) = try await litter(state)
            let told = Told()
            let copy = WatchedVolumes(keys: state.keys, unreadable: told.keys, log: RealNode.silent)
            let watching = Task { await copy.run(client: state.client, clock: state.clock) }
            defer { watching.cancel() }
            await copy.firstReading()
            #expect(copy.isLoaded)
            #expect(copy.compactMap(\.name) == [good])
            #expect(copy.unsettled().map(\.name) == [good])
            for name in bad { #expect(copy.find(name) == nil) }

            // One half becomes readable while the other one is known from the reading.
            try await state.client.put(
                state.keys.record(.mount, of: bad[2]), try RecordCodec.encode(attachment(), write: "w"))
            try await eventually("the mount is readable") { copy.find(bad[2])?.attachment != nil }
            // A mount that becomes unreadable does not make the volume free.
            try await state.client.put(state.keys.record(.mount, of: good), "{")
            try await eventually("the volume is left out") { copy.find(good) == nil }
            #expect(copy.compactMap(\.name) == [bad[2]])
            #expect(copy.unsettled().map(\.name) == [bad[2]])
            try await state.client.delete(state.keys.record(.mount, of: good))
            try await eventually("the volume is free") { copy.find(good) != nil }
            #expect(copy.find(good)?.attachment == nil)
            for key in [
                state.keys.record(.mount, of: good), state.keys.record(.volume, of: bad[0]),
                state.keys.prefix + "mounts/a/b",
            ] {
                #expect(told.count(of: key) == 1, "\(key)")
            }
        }
    }
}

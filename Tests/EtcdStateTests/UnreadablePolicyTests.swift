import EtcdClient
import RBDDriver
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import EtcdState

/// Whoever may write to etcd may write anything below `policies/`.
@Suite("Policies that cannot be read") struct UnreadablePolicyTests {
    private final class Told: Sendable {
        private let errors = Mutex<[VolumeError]>([])
        var keys: UnreadableKeys { UnreadableKeys { error in self.errors.withLock { $0.append(error) } } }
        func count(of key: String) -> Int { errors.withLock { $0.count { $0.what.contains(key) } } }
    }

    private static func policy() throws -> Policy {
        var policy = Policy()
        try policy.runtime.set(.iops, "500")
        return policy
    }

    /// What stands under keys, of which only `good` is a policy.
    private func litter(_ state: RealState) async throws -> [String] {
        let good = String(decoding: try RecordCodec.encode(Self.policy(), write: "w"), as: UTF8.self)
        let bad = [
            "no-json": "{", "newer": good.replacing(#""schema":1"#, with: #""schema":99"#),
            "forged": good.replacing("500", with: "5"), "long": good + String(repeating: " ", count: 70 << 10),
            "a.b": good, "a/b": good,
        ]
        for (name, text) in bad { try await state.client.put("\(state.keys.policies)\(name)", text) }
        try await state.client.put("\(state.keys.policies)good", good)
        return bad.keys.sorted()
    }

    @Test("They are told of once and stop nothing, and the copy has what can be read")
    func copy() async throws {
        try await RealState.with { state in
            let bad = try await litter(state)
            let (told, good) = (Told(), try PolicyName("good"))
            let copy = WatchedVolumes(keys: state.keys, unreadable: told.keys, log: RealNode.silent)
            let watching = Task { await copy.run(client: state.client, clock: state.clock) }
            defer { watching.cancel() }
            await copy.firstReading()
            #expect(copy.isLoaded)
            #expect(copy.policy(good) == (try Self.policy()))
            for name in bad {
                if let name = try? PolicyName(name) { #expect(copy.policy(name) == nil, "\(name)") }
                #expect(told.count(of: "\(state.keys.policies)\(name)") == 1, "\(name)")
            }
            // One that becomes unreadable counts as absent, and one that becomes readable is there.
            let text = String(decoding: try RecordCodec.encode(Self.policy(), write: "w"), as: UTF8.self)
            try await state.client.put(state.keys.policy(good), "{")
            try await state.client.put("\(state.keys.policies)no-json", text)
            try await eventually("the copy has followed") { copy.policy(try PolicyName("no-json")) != nil }
            #expect(copy.policy(good) == nil && told.count(of: state.keys.policy(good)) == 1)
        }
    }

    @Test("Who asks for one is told its key; in the list it is left out, and it is never taken for absent")
    func store() async throws {
        try await RealState.with { state in
            let bad = try await litter(state)
            let told = Told()
            let store = EtcdPolicyStore(
                client: state.client, keys: state.keys, clock: state.clock, tokens: RandomTokens(),
                timeout: .seconds(8), unreadable: told.keys)
            #expect(try await store.readAll().keys.map(\.text) == ["good"])
            for name in bad {
                guard let name = try? PolicyName(name) else { continue }
                let error = await #expect(throws: VolumeError.self) { _ = try await store.read(name) }
                #expect(error?.code == .unexplained && error?.what.contains(state.keys.policy(name)) == true)
                #expect(try await store.put(Policy(), as: name, over: nil) == nil)
            }
        }
    }

    @Test("The keys of volumes and of policies are not each other's")
    func keys() async throws {
        try await RealState.with { state in
            _ = try await litter(state)
            #expect(try await state.store.readAll().isEmpty)
            #expect(try state.keys.parse(state.keys.policy(try PolicyName("good"))) == nil)
        }
    }
}

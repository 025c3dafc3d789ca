import EtcdClient
import RealParts
import Testing
import VolumeCore

@testable import EtcdState

/// Two Ceph clusters, one prefix.
@Suite struct ClusterBindingTests {
    private func binding(
        _ state: RealState, _ fsid: @escaping @Sendable () async throws -> String
    ) -> ClusterBinding {
        ClusterBinding(client: state.client, keys: state.keys, clock: state.clock, timeout: .seconds(8), fsid: fsid)
    }

    @Test("A6: the first cluster has the prefix, another one is refused by name, and the first goes on")
    func a6FirstClusterHasThePrefix() async throws {
        try await RealState.with { state in
            let (first, second) = (binding(state) { "fsid-1" }, binding(state) { "fsid-2" })
            try await first.require()
            #expect(first.isBound)
            for _ in 0..<2 {
                let error = await #expect(throws: VolumeError.self) { try await second.require() }
                let text = "\(try #require(error))"
                #expect(error?.code == .conflict && error?.outcome == .refused)
                for word in ["fsid-1", "fsid-2", "ETCD_PREFIX", state.keys.prefix] { #expect(text.contains(word)) }
            }
            #expect(!second.isBound)
            try await binding(state) { "fsid-1" }.require()
            let entry = try #require(await state.client.get(state.keys.cluster))
            #expect(entry.version == 1, "it is written once")
            #expect(entry.text?.contains(#""fsid":"fsid-1","schema":1,"since":""#) == true)
        }
    }

    @Test("A6: of clusters that begin at once one has the prefix")
    func a6Race() async throws {
        try await RealState.with { state in
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    group.addTask { (try? await binding(state) { "fsid-\(number)" }.require()) != nil }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 } == 1)
        }
    }

    @Test("all nodes of one set of records have one home, and others have another")
    func homes() async throws {
        try await RealState.with { state in
            let (first, second) = (binding(state) { "fsid-1" }, binding(state) { "fsid-1" })
            #expect(first.home == nil)
            try await first.require()
            try await second.require()
            let home = try #require(first.home)
            #expect(second.home == home)
            #expect(home.count == 12 && home.allSatisfy(\.isHexDigit), "\(home)")
            #expect(HomeName.make(fsid: "fsid-1", since: "2026-01-01T00:00:00Z") != home)
        }
        // As every version must make it: trash that is there bears it.
        #expect(HomeName.make(fsid: "fsid-1", since: "2026-01-01T00:00:00Z") == "b71a3da99883")
    }

    @Test("A6: an operator's command looks, and claims nothing")
    func a6OperatorsClaimNothing() async throws {
        try await RealState.with { state in
            let operators = binding(state) { "fsid-1" }
            try await operators.require(claiming: false)
            #expect(try await state.client.get(state.keys.cluster) == nil)
            try await binding(state) { "fsid-2" }.require()
            await #expect(throws: VolumeError.self) { try await operators.require(claiming: false) }
        }
    }

    @Test("A6: what Ceph or etcd says when it is away is passed on; a record that cannot be read refuses")
    func a6Away() async throws {
        try await RealState.with { state in
            let away = VolumeError(.timedOut, "find out", why: "still connecting")
            let error = await #expect(throws: VolumeError.self) { try await binding(state) { throw away }.require() }
            #expect(error?.code == .timedOut)
            #expect(try await state.client.get(state.keys.cluster) == nil)
            try await state.client.put(state.keys.cluster, #"{"fsid":"f","schema":99,"since":""}"#)
            let newer = await #expect(throws: VolumeError.self) { try await binding(state) { "f" }.require() }
            #expect(newer?.code == .unexplained)
        }
    }
}

import InMemoryPorts
import Testing
import VolumeCore

@Suite struct ScriptedFaultsTests {
    private let cluster = SimulatedCluster()
    private let faults = ScriptedFaults()
    private let image = ImageReference(pool: "rbd", name: "db")
    private let spec = VolumeSpec(pool: "rbd")
    private let a: NodePorts

    init() {
        cluster.intercept(with: faults)
        a = cluster.startPlugin(on: "a")
    }

    private var exists: Bool { cluster.world.ceph.images[image] != nil }

    @Test func aLostRequestDidNotHappen() async throws {
        faults.fail(.imageCreate)
        await #expect(throws: VolumeError.self) { try await a.images.create(image, spec: spec, uid: "u1") }
        #expect(!exists)
        _ = try await a.images.create(image, spec: spec, uid: "u1")
        #expect(exists)
    }

    @Test func aLostAnswerDidHappen() async throws {
        faults.fail(.imageCreate, .after)
        await #expect(throws: VolumeError.self) { try await a.images.create(image, spec: spec, uid: "u1") }
        #expect(exists)
        #expect(cluster.world.ceph.images[image]?.uid == nil)
    }

    @Test func aDelayedRequestHappensLater() async throws {
        faults.delay(.imageCreate)
        await #expect(throws: VolumeError.self) { try await a.images.create(image, spec: spec, uid: "u1") }
        #expect(!exists)
        faults.deliverLate()
        #expect(exists)
    }

    @Test func aDuplicatedRequestGetsTheSecondAnswer() async throws {
        faults.duplicate(.imageCreate)
        await #expect(throws: VolumeError.self) { try await a.images.create(image, spec: spec, uid: "u1") }
        #expect(exists)
    }

    /// The store recognises its own write by the request's token.
    @Test func aDuplicatedCommitSucceeds() async throws {
        faults.duplicate(.storeCommit)
        let name = try VolumeName("db")
        let record = VolumeRecord(name: name, uid: "u1", phase: .ready, spec: spec, options: [:], createdAt: "")
        let stored = try await a.store.commit(StoreChange(volume: .put(record)), over: a.store.read(name))
        #expect(stored?.volume?.record == record)
        #expect(try await a.store.read(name).volume == stored?.volume)
    }

    @Test func rulesAreForOneNodeAndForOneCallAmongMany() async throws {
        let b = cluster.startPlugin(on: "b")
        faults.fail(.imagePreflight, on: "b", skipping: 1, times: 2)
        var outcomes: [Bool] = []
        for _ in 1...4 { outcomes.append((try? await b.images.preflight(spec)) != nil) }
        #expect(outcomes == [true, false, false, true])
        await #expect(throws: Never.self) { try await a.images.preflight(spec) }
    }

    @Test func anotherNodeCanActInBetween() async throws {
        let b = cluster.startPlugin(on: "b")
        faults.run(.imageCreate, .before, on: "a") { [image, spec] _ in
            _ = try await b.images.create(image, spec: spec, uid: "b")
        }
        await #expect(throws: VolumeError.self) { try await a.images.create(image, spec: spec, uid: "a") }
        #expect(cluster.world.ceph.images[image]?.uid == "b")
    }

    @Test func theCallsAreKeptInOrder() async throws {
        _ = try await a.images.create(image, spec: spec, uid: "u1")
        _ = try await a.images.inspect(image)
        #expect(cluster.calls.map(\.operation) == [.imageCreate, .imageMark, .imageInspect])
        #expect(cluster.calls.first?.subject == "rbd/db")
        #expect(cluster.calls.map(\.node) == ["a", "a", "a"])
    }

    @Test func withNoTimeLeftNothingIsTried() async throws {
        cluster.mutate { $0.advance(by: .seconds(10)) }
        await Deadline.$current.withValue(Moment(sinceOrigin: .seconds(9))) {
            await #expect(throws: VolumeError.self) { try await a.images.create(image, spec: spec, uid: "u1") }
        }
        #expect(!exists)
        #expect(cluster.calls == [])
    }

    /// A sleep ends when the world's clock is there, and needs nobody else to move it.
    @Test func sleepMovesTheClock() async throws {
        let start = a.clock.now()
        try await a.clock.sleep(for: .seconds(5))
        #expect(a.clock.now() - start == .seconds(5))
        #expect(cluster.calls.last?.duration == .seconds(5))
    }
}

import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Synchronization
import Testing
import VolumeCore

/// What the volumes of a policy may have in sum, on simulated nodes.
@Suite("What a policy allows in sum") struct PolicyQuotaTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "desk"])
    private static let gold = (try? PolicyName("gold")) ?? .standard
    private static let small = ["pool": "rbd", "policy": "gold", "size": "206"]

    private func allow(_ most: VolumeSize?) {
        var policy = Policy()
        policy.create.maxTotal = most
        cluster.mutate { _ = $0.setPolicy(policy, as: Self.gold) }
    }

    private var desk: OperatorActions {
        let ports = cluster.startPlugin(on: "desk")
        return OperatorActions(
            store: ports.store, policies: ports.policies, images: ports.images, fence: ports.fence,
            clock: ports.clock, blocklistExpiry: .seconds(3600), me: ports.identity,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private var sum: UInt64 { QuotaRule.sum(of: Self.gold, in: cluster.world.etcd.readAll()) }

    @Test(
        "A volume for which there is no room is refused with the policy, its limit, what is in use and what was asked for"
    )
    func refused() async throws {
        allow(.mebibytes(500))
        let driver = DriverFixture.driver(cluster)
        try await driver.create("one", options: Self.small)
        try await driver.create("two", options: Self.small)
        let before = cluster.world.imageNames
        let error = try #require(await errorOf { try await driver.create("three", options: Self.small) })
        #expect(error.code == .noSpace && error.outcome == .refused)
        #expect(
            error.why
                == "policy gold allows its volumes 500M in sum; the others have 412M, and this one would have 206M")
        #expect(error.remedy.contains("max-total"))
        #expect(cluster.world.imageNames == before)

        // A Create that is repeated adds nothing, and one without the policy is none of its affair.
        try await driver.create("two", options: Self.small)
        try await driver.create("other", options: DriverFixture.options)
        try await driver.remove("one")
        try await driver.create("three", options: Self.small)
        #expect(sum == VolumeSize.mebibytes(412).bytes)
    }

    @Test("Of sixteen Creates at once on two nodes so many succeed as there is room for")
    func atOnce() async throws {
        allow(.mebibytes(1100))
        let drivers = [DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b")]
        let outcomes = await withTaskGroup(of: VolumeError?.self) { group in
            for number in 0..<16 {
                group.addTask {
                    await errorOf { try await drivers[number % 2].create("volume-\(number)", options: Self.small) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == nil } == 5)
        #expect(outcomes.compactMap(\.self).allSatisfy { $0.code == .noSpace })
        #expect(sum == VolumeSize.mebibytes(5 * 206).bytes && cluster.world.etcd.volumes.count == 5)
    }

    @Test("A volume that a dead node has not finished counts, and no more once it is removed")
    func unfinished() async throws {
        allow(.mebibytes(300))
        let name = try VolumeName("half")
        var record = VolumeRecord(
            name: name, uid: "u1", phase: .creating, spec: VolumeSpec(pool: "rbd", size: .mebibytes(206)),
            options: Self.small, createdAt: "2026-01-02T03:04:05Z",
            attempt: .init(by: NodeIdentity(node: "gone", boot: "b"), token: "t"))
        record.policy = Self.gold
        let store = cluster.startPlugin(on: "desk").store
        _ = try await store.commit(.init(volume: .put(record)), over: store.read(name))
        let driver = DriverFixture.driver(cluster)
        #expect(await errorOf { try await driver.create("db", options: Self.small) }?.code == .noSpace)
        try await driver.remove("half")
        try await driver.create("db", options: Self.small)
    }

    @Test("A resize counts what is wanted of the others, and is refused beyond the sum; less than was wanted is not")
    func resized() async throws {
        allow(.gibibytes(3))
        let driver = DriverFixture.driver(cluster)
        for name in ["one", "two"] { try await driver.create(name, options: Self.small) }
        _ = try await desk.resize("one", to: .gibibytes(2))
        let error = try #require(await errorOf { _ = try await desk.resize("two", to: .gibibytes(2)) })
        #expect(error.code == .noSpace)
        #expect(error.description.contains("gold allows its volumes 3G in sum; the others have 2G, and this one would"))
        #expect(
            await errorOf { try await driver.create("db", options: ["pool": "rbd", "policy": "gold", "size": "1G"]) }
                != nil)
        _ = try await desk.resize("two", to: .gibibytes(1))
        // The bound is lowered below what they have: nothing grows, and nothing else is in the way.
        allow(.gibibytes(1))
        _ = try await desk.resize("one", to: .mebibytes(1900))
        #expect(await errorOf { _ = try await desk.resize("one", to: .gibibytes(2)) }?.code == .noSpace)
        _ = try await driver.mount("one", id: "m")
        await driver.reconcileAll()
        #expect(cluster.world.etcd.volumes[try VolumeName("one")]?.record.spec.size == .mebibytes(1900))
    }

    @Test("An image that somebody made larger by hand is not taken in beyond the sum by a command")
    func toImage() async throws {
        allow(.mebibytes(500))
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: Self.small)
        cluster.mutate { _ = $0.growByHand(ImageReference(pool: "rbd", name: "db"), to: .gibibytes(1)) }
        let error = await errorOf { _ = try await desk.resizeToImage("db") }
        #expect(error?.code == .noSpace && error?.what == "resize volume db to 1G")
    }

    @Test("A volume that is full does not grow beyond the sum by itself")
    func autogrow() async throws {
        allow(.mebibytes(230))
        let driver = DriverFixture.driver(cluster)
        let growing = ["autogrow.at": "80%", "autogrow.max": "1G"]
        try await driver.create("db", options: Self.small.merging(growing) { $1 })
        let mountpoint = try await driver.mount("db", id: "m")
        try cluster.mutate { try $0.fillUp(on: "a", at: mountpoint) }
        await driver.growFullVolumes()
        #expect(driver.autogrowOutcomes == [.refused: 1] && cluster.world.etcd.desired.isEmpty)
        allow(.gibibytes(1))
        cluster.mutate { $0.advance(by: .seconds(61)) }
        await driver.growFullVolumes()
        #expect(driver.autogrowOutcomes[.grown] == 1 && cluster.world.etcd.desired.count == 1)
    }

    @Test("An image that is adopted counts with the size that it has")
    func adopted() async throws {
        allow(.mebibytes(600))
        let image = ImageReference(pool: "rbd", name: "db")
        let spec = VolumeSpec(pool: "rbd", size: .gibibytes(1))
        _ = try await cluster.startPlugin(on: "desk").formatter.createFormatted(
            image, spec: spec, uid: "of another life")
        let driver = DriverFixture.driver(cluster)
        let options = ["pool": "rbd", "policy": "gold", "adopt": "true"]
        let error = try #require(await errorOf { try await driver.create("db", options: options) })
        #expect(error.code == .noSpace && error.why.contains("this one would have 1G"), "\(error)")
        #expect(cluster.world.etcd.volumes.isEmpty && cluster.world.imageNames == ["db"])
        allow(.gibibytes(1))
        try await driver.create("db", options: options)
    }

    @Test("Who has no policy that bounds a sum reads no other volume for it")
    func costsNothing() async throws {
        allow(nil)
        let driver = DriverFixture.driver(cluster)
        cluster.forgetCalls()
        try await driver.create("db", options: Self.small)
        _ = try await desk.resize("db", to: .gibibytes(1))
        #expect(cluster.calls.count { $0.operation == .storeReadAll } == 0)
    }
}

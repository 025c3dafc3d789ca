import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Two nodes create the same volume with the same options: whichever of them makes it ready, both are told that it is.
@Suite struct RacingCreateTests {
    private let cluster = SimulatedCluster()

    /// Node a is held up at one point of its Create for so long that node b carries on with it.
    private func race(_ operation: PortOperation, _ when: ScriptedFaults.When, loses answer: Bool = false) async throws
    {
        let (slow, fast) = (DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b"))
        let faults = ScriptedFaults()
        faults.run(operation, when, on: "a") { call in
            try await fast.create("db", options: DriverFixture.options)
            if answer { throw ScriptedFaults.lost(call.operation) }
        }
        cluster.intercept(with: faults)
        try await slow.create("db", options: DriverFixture.options)
        #expect(cluster.world.etcd.volumes.values.map(\.record.phase) == [.ready])
        #expect(cluster.world.imageNames == ["db"])
        let mountpoint = try await slow.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
    }

    @Test func theUnfinishedImageWasWithdrawnBeforeItsRename() async throws {
        try await race(.imageRename, .before)
    }

    @Test func theRenamedImageWasRecordedByTheOtherNode() async throws {
        try await race(.imageRename, .after, loses: true)
    }

    @Test func theOtherNodeWasDoneBeforeThisOneLookedForTheImage() async throws {
        try await race(.storeRead, .after)
    }

    @Test(arguments: [PortOperation.formatBegin, .formatEnd])
    func theUnfinishedImageWentWhileItWasFormatted(_ operation: PortOperation) async throws {
        try await race(operation, .before, loses: true)
    }

    /// What was made ready meanwhile is something else than this Create asked for.
    @Test func anotherSizeIsStillRefused() async throws {
        let (slow, fast) = (DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b"))
        let faults = ScriptedFaults()
        faults.run(.storeRead, .after, on: "a") { _ in
            try await fast.create("db", options: ["pool": "rbd", "size": "300"])
        }
        cluster.intercept(with: faults)
        let error = try #require(await errorOf { try await slow.create("db", options: DriverFixture.options) })
        #expect(error.code == .alreadyExists, "\(error)")
        #expect(cluster.world.etcd.volumes.values.map(\.record.spec.size) == [.mebibytes(300)])
    }
}

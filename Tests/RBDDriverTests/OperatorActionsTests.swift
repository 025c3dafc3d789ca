import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// An operator's ways out, on simulated nodes.
@Suite struct OperatorActionsTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "desk"])

    private func actions() -> OperatorActions {
        let ports = cluster.startPlugin(on: "desk")
        return OperatorActions(
            store: ports.store, policies: ports.policies, images: ports.images, fence: ports.fence, clock: ports.clock,
            blocklistExpiry: .seconds(1 << 28), me: NodeIdentity(node: "operator@desk", boot: "x"),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func mounted() async throws -> (VolumeDriver, String) {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        return (driver, try await driver.mount("db", id: "m1"))
    }

    @Test func releaseShutsALiveOwnerOutAndFreesTheVolume() async throws {
        let (_, mountpoint) = try await mounted()
        #expect(try await actions().release("db") == "a")
        let refused = errorOf { try cluster.mutate { try $0.write("late", on: "a", at: mountpoint) } }
        #expect(refused?.code == .fenced)
        let other = DriverFixture.driver(cluster, on: "b")
        let there = try await other.mount("db", id: "m2")
        try cluster.mutate { try $0.write("new", on: "b", at: there) }
        #expect(cluster.world.ceph.images.values.first?.records == ["new"])
        #expect(cluster.world.harm.isEmpty)
    }

    @Test("A volume that has changed hands since somebody looked is not taken from who has it now")
    func changedHands() async throws {
        _ = try await mounted()
        let seen = try #require(try await actions().volume("db").attachment?.record)
        #expect(try await actions().release("db", seen: seen) == "a")
        let other = DriverFixture.driver(cluster, on: "b")
        let there = try await other.mount("db", id: "m2")
        let refused = try #require(await errorOf { try await actions().release("db", seen: seen) })
        #expect(refused.code == .conflict && refused.why.contains("node b"))
        try cluster.mutate { try $0.write("kept", on: "b", at: there) }
        let now = try #require(try await actions().volume("db").attachment?.record)
        #expect(try await actions().release("db", seen: now) == "b")
    }

    @Test func aReleaseThatBreaksOffIsFinishedByTheNextMount() async throws {
        let (_, mountpoint) = try await mounted()
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.fail(.fenceBlocklist, .before)
        await #expect(throws: VolumeError.self) { try await actions().release("db") }
        let other = DriverFixture.driver(cluster, on: "b")
        _ = try await other.mount("db", id: "m2")
        let refused = errorOf { try cluster.mutate { try $0.write("late", on: "a", at: mountpoint) } }
        #expect(refused?.code == .fenced)
    }

    @Test func whatNobodyHasCannotBeReleased() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        #expect(await errorOf { try await actions().release("db") }?.code == .conflict)
        #expect(await errorOf { try await actions().release("nothing") }?.code == .notFound)
    }

    @Test("E19: a protected volume is removed by no node until the protection is lifted, and is used meanwhile")
    func e19Protection() async throws {
        let (driver, _) = try await mounted()
        try await actions().protect("db", true)
        try await actions().protect("db", true)
        try await driver.unmount("db", id: "m1")
        for each in [driver, DriverFixture.driver(cluster, on: "b")] {
            #expect(try #require(await errorOf { try await each.remove("db") }).code == .conflict)
        }
        _ = try await driver.mount("db", id: "m2")
        try await driver.unmount("db", id: "m2")
        try await actions().protect("db", false)
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
        #expect(await errorOf { try await actions().protect("db", true) }?.code == .notFound)
    }

    @Test("E19: a volume can be created protected; while it is being removed it is too late")
    func e19ProtectedFromTheStart() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options.merging(["protect": "true"]) { $1 })
        #expect(try #require(await errorOf { try await driver.remove("db") }).code == .conflict)
        try await actions().protect("db", false)
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.fail(.imageTrash)
        await #expect(throws: VolumeError.self) { try await driver.remove("db") }
        #expect(await errorOf { try await actions().protect("db", true) }?.code == .conflict)
        try await driver.remove("db")
        #expect(cluster.world.leftovers.isEmpty)
    }

    @Test func aMountedVolumeIsNotForgotten() async throws {
        _ = try await mounted()
        let error = try #require(await errorOf { try await actions().forget("db") })
        #expect(error.code == .inUse)
        #expect(error.description.contains("node a"))
    }

    @Test func aForgottenVolumesImageStaysAndCanBeAdopted() async throws {
        let (driver, mountpoint) = try await mounted()
        try cluster.mutate { try $0.write("kept", on: "a", at: mountpoint) }
        try await driver.unmount("db", id: "m1")
        try await actions().forget("db")
        #expect(try #require(await errorOf { try await driver.get("db") }).code == .notFound)
        #expect(cluster.world.imageNames == ["db"])
        try await driver.create("db", options: ["pool": "rbd", "adopt": "true"])
        _ = try await driver.mount("db", id: "m2")
        #expect(cluster.world.ceph.images.values.first?.records == ["kept"])
    }
}

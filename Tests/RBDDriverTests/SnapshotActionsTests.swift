import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Snapshots by command, on simulated nodes.
@Suite struct SnapshotActionsTests {
    private let cluster = SimulatedCluster(nodes: ["a", "desk"])
    private let faults = ScriptedFaults()
    private let driver: VolumeDriver
    private let actions: SnapshotActions

    init() async throws {
        driver = VolumeDriver(cluster.startPlugin(on: "a"))
        let ports = cluster.startPlugin(on: "desk")
        actions = SnapshotActions(ports)
        try await driver.create("db", options: ["pool": "rbd"])
        cluster.intercept(with: faults)
    }

    private var snapshots: [SimulatedSnapshot] { cluster.world.ceph.images.values.first?.snapshots ?? [] }

    @Test("a snapshot says what its content is worth: whole where no node has the volume, as after a power cut else")
    func consistency() async throws {
        #expect(try await actions.create("idle", of: "db").mark?.consistency == .unmounted)
        _ = try await driver.mount("db", id: "m1")
        #expect(try await actions.create("busy", of: "db").mark?.consistency == .crash)
        #expect(try await actions.list("db").map(\.name) == ["idle", "busy"])
        #expect(try await actions.list("db").first?.mark?.by == "operator@desk")
    }

    @Test(
        "a volume that is mounted, also for a moment, while it is snapshot makes no whole snapshot",
        arguments: [false, true])
    func mountedMeanwhile(_ isUnmountedAgain: Bool) async throws {
        let driver = driver
        faults.run(.snapshotTake, .before) { _ in
            _ = try await driver.mount("db", id: "m1")
            if isUnmountedAgain { try await driver.unmount("db", id: "m1") }
        }
        #expect(try await actions.create("s", of: "db").mark?.consistency == .crash)
        #expect(snapshots.first?.mark?.consistency == .crash)
    }

    @Test(
        "a snapshot whose answer is lost, or whose taker ends half-way, is taken once",
        arguments: [
            PortOperation.snapshotTake, .snapshotMark,
        ])
    func lostAnswer(_ operation: PortOperation) async throws {
        faults.fail(operation, .after)
        let taken = try await actions.create("s", of: "db")
        #expect(snapshots.map(\.id) == [taken.id])
        #expect(snapshots.first?.mark == taken.mark && taken.mark != nil)
    }

    @Test("a held snapshot is not removed until that is lifted; a person's is never")
    func removal() async throws {
        _ = try await actions.create("s", of: "db")
        try await actions.hold("s", of: "db", true)
        #expect(await errorOf { try await actions.remove("s", of: "db") }?.code == .conflict)
        try await actions.hold("s", of: "db", false)
        try await actions.remove("s", of: "db")
        #expect(snapshots.isEmpty)
        let image = try #require(cluster.world.ceph.images.keys.first)
        try cluster.mutate { try $0.addSnapshot("theirs", of: image) }
        for verb in [actions.remove, { try await actions.hold($0, of: $1, true) }] {
            let error = await errorOf { try await verb("theirs", "db") }
            #expect(error?.code == .foreignImage && error?.remedy.contains("rbd snap rm rbd/db@theirs") == true)
        }
        #expect(await errorOf { try await actions.create("theirs", of: "db") }?.code == .alreadyExists)
        #expect(snapshots.map(\.name) == ["theirs"])
    }

    @Test("what is not there, not ready or not a name is refused in a sentence")
    func refusals() async throws {
        #expect(await errorOf { try await actions.create("s", of: "nobody") }?.code == .notFound)
        #expect(await errorOf { try await actions.remove("s", of: "db") }?.code == .notFound)
        for name in ["", "a b", "a@b", "../x", String(repeating: "x", count: 129)] {
            #expect(await errorOf { try await actions.create(name, of: "db") }?.code == .invalidName)
        }
        faults.fail(.imageTrash, times: 9)
        _ = await errorOf { try await driver.remove("db") }
        #expect(await errorOf { try await actions.create("s", of: "db") }?.code == .conflict)
    }

    @Test("as many snapshots as an image can bear, and no more")
    func most() async throws {
        let image = try #require(cluster.world.ceph.images.keys.first)
        try cluster.mutate { world in
            for number in 1..<SnapshotKeep.most { try world.addSnapshot("s\(number)", of: image) }
        }
        _ = try await actions.create("last", of: "db")
        let error = await errorOf { try await actions.create("more", of: "db") }
        #expect(error?.code == .noSpace && error?.why.contains("450") == true)
    }
}

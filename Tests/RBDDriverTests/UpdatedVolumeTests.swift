import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// A backup that goes on top of a volume, on simulated nodes: the command runs on node `desk`.
@Suite struct UpdatedVolumeTests {
    private let cluster = SimulatedCluster(nodes: ["a", "desk"])
    private let driver: VolumeDriver
    private let ports: NodePorts
    private let actions: BackupActions

    init() async throws {
        let ofDriver = cluster.startPlugin(on: "a")
        driver = VolumeDriver(ofDriver)
        ports = cluster.startPlugin(on: "desk")
        actions = BackupActions(
            store: ports.store, policies: ports.policies, images: ports.images, snapshots: ports.snapshots,
            fence: ports.fence, blocklistExpiry: .seconds(86_400), clock: ports.clock, tokens: ports.tokens,
            defaults: VolumeDefaults(), limits: VolumeLimits(),
            me: ofDriver.identity, home: { nil })
        try await driver.create("db", options: DriverFixture.options)
        _ = try await SnapshotActions(ports).create("sunday", of: "db")
    }

    private var snapshots: [String] {
        get async throws { try await SnapshotActions(ports).list("db").map(\.name) }
    }

    /// - Parameter meanwhile: what happens between the first look and the claim.
    private func update(
        from: String = "sunday", to: String? = "monday", meanwhile: () async throws -> Void = {}
    ) async throws {
        try await actions.update("db", from: from, to: to) { image, _, snapshot, isHalfDone, claim, finish in
            #expect(image.name == "db" && snapshot.name == from && !isHalfDone)
            try await meanwhile()
            try await claim()
            try await finish()
        }
    }

    @Test("the volume gets the snapshot that the backup leads to, and goes on being used")
    func updated() async throws {
        try await update()
        #expect(try await snapshots == ["sunday", "monday"])
        try await update(from: "monday", to: nil)
        #expect(try await snapshots == ["sunday", "monday"])
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("a node that has mounted the volume, before or after the first look, keeps it as it is")
    func mounted() async throws {
        let late = await errorOf { try await update { _ = try await driver.mount("db", id: "m1") } }
        #expect(late?.code == .conflict, "\(late?.description ?? "")")
        let early = await errorOf { try await update() }
        #expect(early?.code == .inUse && early?.why.contains("node a") == true, "\(early?.description ?? "")")
        try await driver.unmount("db", id: "m1")
        let between = await errorOf {
            try await update {
                _ = try await driver.mount("db", id: "m2")
                try await driver.unmount("db", id: "m2")
            }
        }
        #expect(between?.code == .conflict)
        #expect(try await snapshots == ["sunday"])
    }

    @Test("whoever was noted in the image is shut out before anything is written, and this client is noted meanwhile")
    func writers() async throws {
        let image = ImageReference(pool: "rbd", name: "db")
        let id = try #require(try await ports.images.inspect(image)?.id)
        let former = try #require(ClientAddress("10.0.9.9:0/1"))
        try await ports.images.noteWriter(former, in: image, id: id)
        let client = try await ports.snapshots.client()
        try await actions.update("db", from: "sunday", to: "monday") { _, _, _, _, claim, finish in
            try await claim()
            #expect(try await ports.images.inspect(image)?.writers == [client])
            #expect(try await ports.fence.isBlocklisted(former))
            try await finish()
        }
        #expect(try await ports.images.inspect(image)?.writers == [])
        _ = await errorOf {
            try await actions.update("db", from: "monday", to: nil) { _, _, _, _, claim, _ in
                try await claim()
                throw VolumeError(.unfinished, "import", why: "it broke off", outcome: .unknown)
            }
        }
        #expect(try await ports.images.inspect(image)?.writers == [client])
    }

    @Test("a volume that a node is asked to roll back, before or after the first look, is left to it")
    func rolledBack() async throws {
        let requests = RequestActions(ports)
        let found = try await SnapshotActions(ports).find("sunday", of: "db")
        let late = await errorOf {
            try await update { _ = try await requests.ask(.rollBack(snapshot: found.id, name: "sunday"), of: "db") }
        }
        #expect(late?.code == .conflict, "\(late?.description ?? "")")
        #expect(await errorOf { try await update() } != nil)
        #expect(try await snapshots == ["sunday"])
    }

    @Test(
        "while it is under way, and when it has broken off, nobody takes a snapshot of what is neither the one nor the other"
    )
    func mixture() async throws {
        cluster.mutate { _ = $0.setValues([.snapshotFrequency: "1m"], of: "db") }
        func nextSlot() async {
            cluster.mutate { world in
                world.advance(by: .seconds(61))
                world.renewHeartbeat(of: "a")
            }
            await driver.takeDueSnapshots()
        }
        await nextSlot()
        let actions = SnapshotActions(ports)
        let sunday = try await actions.find("sunday", of: "db")
        let image = ImageReference(pool: "rbd", name: "db")
        let broken = await errorOf {
            try await self.actions.update("db", from: "sunday", to: nil) { _, _, _, _, claim, _ in
                try await claim()
                cluster.mutate { $0.breakOffRollBack(of: image, to: sunday.id) }
                await nextSlot()
                let refused = await errorOf { _ = try await actions.create("noon", of: "db") }
                #expect(refused?.code == .conflict, "\(refused?.description ?? "")")
                throw VolumeError(.damaged, "import", why: "the stream is cut", outcome: .failed)
            }
        }
        #expect(broken?.code == .damaged)
        await nextSlot()
        #expect(try await snapshots == ["sunday"])
        let id = try #require(cluster.world.ceph.images[image]?.id)
        try await ports.snapshots.acceptHalfRolledBack(image, id: id)
        await nextSlot()
        #expect(try await snapshots.count == 2)
    }

    @Test("snapshots that are not there, or are there already, and volumes that are not, are refused")
    func refused() async throws {
        #expect(await errorOf { try await update(from: "friday") }?.code == .notFound)
        #expect(await errorOf { try await update(to: "sunday") }?.code == .alreadyExists)
        #expect(await errorOf { try await update(to: "no name of ours") }?.code == .invalidName)
        let nobody = await errorOf {
            try await actions.update("nobody", from: "a", to: "b") { _, _, _, _, _, _ in Issue.record("it was begun") }
        }
        #expect(nobody?.code == .notFound)
    }
}

import InMemoryPorts
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// What becomes of a volume that is made of a backup, on simulated nodes: the command runs on node `desk`, and the plugin of node
/// `a` clears up after it.
@Suite struct ImportedVolumeTests {
    private let cluster = SimulatedCluster(nodes: ["a", "desk"])
    private let faults = ScriptedFaults()
    private let driver: VolumeDriver
    private let ports: NodePorts
    private let actions: BackupActions

    init() {
        let ofDriver = cluster.startPlugin(on: "a")
        driver = VolumeDriver(ofDriver, defaults: VolumeDefaults(pool: "rbd"))
        ports = cluster.startPlugin(on: "desk")
        actions = BackupActions(
            store: ports.store, policies: ports.policies, images: ports.images, snapshots: ports.snapshots,
            fence: ports.fence, blocklistExpiry: .seconds(86_400), clock: ports.clock, tokens: ports.tokens,
            defaults: VolumeDefaults(pool: "rbd"), limits: VolumeLimits(),
            me: ofDriver.identity, home: { nil })
        cluster.intercept(with: faults)
    }

    /// As far as records and images go, content that comes from a backup is content that mkfs makes.
    private func make(
        _ name: String = "db", _ options: [String: String] = [:], size: VolumeSize = .mebibytes(206),
        snapshot: String? = "monday"
    ) async throws -> BackupActions.Imported {
        try await actions.make(name, options: options, size: size, snapshot: snapshot) { image, spec, uid, whole in
            try await whole(try await ports.formatter.createFormatted(image, spec: spec, uid: uid))
        }
    }

    private var snapshots: [String] { cluster.world.ceph.images.values.flatMap { $0.snapshots.map(\.name) } }

    private func expectUsable() async throws {
        #expect(cluster.world.imageNames == ["db"])
        #expect(cluster.world.etcd.volumes.values.map(\.record.phase) == [.ready])
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        try await driver.unmount("db", id: "m1")
    }

    @Test("a whole backup becomes a volume with its size and its snapshot, and with the options that are given")
    func whole() async throws {
        let made = try await make("db", ["protect": "true", "iops": "500"])
        #expect(made.missingSnapshot == nil && snapshots == ["monday"])
        let record = try #require(cluster.world.etcd.volumes.values.first?.record)
        #expect(record.spec.size == .mebibytes(206) && record.isProtected && !record.adopted)
        #expect(record.options == ["protect": "true", "iops": "500"] && record.attempt == nil)
        #expect(try await SnapshotActions(ports).list("db").map(\.name) == ["monday"])
        try await expectUsable()
    }

    @Test("a content that breaks off leaves nothing, and so does one without a filesystem that a volume can have")
    func broken() async throws {
        let broken = VolumeError(.damaged, "import", why: "it was cut off")
        let error = await errorOf {
            _ = try await actions.make("db", options: [:], size: .mebibytes(206), snapshot: nil) {
                image, spec, uid, _ in
                _ = try await ports.images.create(image, spec: spec, uid: uid)
                throw broken
            }
        }
        #expect(error == broken && cluster.world.leftovers.isEmpty)
        let blank = await errorOf {
            _ = try await actions.make("db", options: [:], size: .mebibytes(206), snapshot: nil) {
                image, spec, uid, whole in
                try await whole(try await ports.images.create(image, spec: spec, uid: uid))
            }
        }
        #expect(blank?.code == .damaged && cluster.world.leftovers.isEmpty, "\(blank?.description ?? "")")
    }

    @Test(
        "options that cannot be, names that are taken and sizes that are not allowed are refused before anything is made"
    )
    func refused() async throws {
        for (name, value) in [
            ("size", "10G"), ("mkfs-options", "-m0"), ("adopt", "true"), ("from", "x"), ("nonsense", "1"),
        ] {
            #expect(await errorOf { _ = try await make("db", [name: value]) }?.code == .invalidOption, "\(name)")
        }
        #expect(await errorOf { _ = try await make("db", ["policy": "gold"]) }?.code == .invalidOption)
        #expect(await errorOf { _ = try await make("db", size: VolumeSize(bytes: 1 << 60)) } != nil)
        #expect(await errorOf { _ = try await make("db", size: VolumeSize(bytes: 4096)) } != nil)
        #expect(await errorOf { _ = try await make("../db") }?.code == .invalidName)
        #expect(cluster.world.leftovers.isEmpty)
        try await driver.create("db", options: DriverFixture.options)
        #expect(await errorOf { _ = try await make() }?.code == .alreadyExists)
        try await OperatorActionsFixture.forget("db", ports)
        let foreign = await errorOf { _ = try await make() }
        #expect(foreign?.code == .foreignImage && cluster.world.imageNames == ["db"])
    }

    private enum OperatorActionsFixture {
        /// Leaves the image without a record.
        static func forget(_ name: String, _ ports: NodePorts) async throws {
            let stored = try await ports.store.read(try VolumeName(given: name))
            _ = try await ports.store.commit(.deletion, over: stored)
        }
    }

    /// What an import does after its content is whole, each time with how many calls of the kind come before.
    static let effects: [(PortOperation, Int)] = [
        (.imageFilesystems, 0), (.storeCommit, 0), (.imageRename, 0), (.storeCommit, 1), (.snapshotTake, 0),
    ]

    @Test(
        "an answer that is lost at the end leaves the whole volume or nothing", arguments: effects,
        [ScriptedFaults.When.before, .after])
    func lostAnswer(_ effect: (PortOperation, Int), _ when: ScriptedFaults.When) async throws {
        faults.fail(effect.0, when, skipping: effect.1)
        let made = try? await make()
        if made == nil {
            #expect(cluster.world.leftovers.isEmpty)
        } else {
            try await expectUsable()
        }
    }

    @Test(
        "a command that is killed at the end leaves the whole volume or nothing, once the plugins have cleared up",
        arguments: effects, [ScriptedFaults.When.before, .after])
    func killed(_ effect: (PortOperation, Int), _ when: ScriptedFaults.When) async throws {
        let hasRecord = effect != (.imageFilesystems, 0) && !(effect == (.storeCommit, 0) && when == .before)
        faults.run(effect.0, when, skipping: effect.1) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "desk") }
            throw PluginIsGone()
        }
        // That only the snapshot was not taken is no error.
        #expect((try? await make()) == nil || effect == (.snapshotTake, 0))
        cluster.intercept(with: NoFaults())
        #expect(cluster.world.etcd.volumes.isEmpty != hasRecord)
        #expect(cluster.world.imageNames.count == 1)
        try await clearUp()
        if !cluster.world.leftovers.isEmpty { try await expectUsable() }
    }

    @Test("an image that a killed command has not filled is cleared up by the plugins, and its name is free at once")
    func killedEarly() async throws {
        await #expect(throws: (any Error).self) {
            _ = try await actions.make("db", options: [:], size: .mebibytes(206), snapshot: nil) {
                image, spec, uid, _ in
                _ = try await ports.images.create(image, spec: spec, uid: uid)
                cluster.mutate { $0.killPlugin(on: "desk") }
                throw PluginIsGone()
            }
        }
        #expect(cluster.world.imageNames.count == 1 && cluster.world.etcd.volumes.isEmpty)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.remove("db")
        try await clearUp()
        #expect(cluster.world.leftovers.isEmpty)
    }

    private func clearUp() async throws {
        for _ in 0..<8 {
            await driver.reconcileAll()
            await driver.emptyTrash()
            cluster.mutate { $0.advance(by: .seconds(1900)) }
        }
    }

    @Test("whoever creates the volume while its backup comes in has it; the import fails and leaves nothing of its own")
    func overtaken() async throws {
        let error = await errorOf {
            _ = try await actions.make("db", options: [:], size: .mebibytes(206), snapshot: nil) {
                image, spec, uid, whole in
                let id = try await ports.formatter.createFormatted(image, spec: spec, uid: uid)
                try await driver.create("db", options: DriverFixture.options)
                try await whole(id)
            }
        }
        #expect(error?.code == .conflict, "\(error?.description ?? "")")
        try await expectUsable()
    }

    @Test("a snapshot that cannot be taken is told of, and the volume is there all the same")
    func noSnapshot() async throws {
        faults.fail(.snapshotTake, times: 9)
        let made = try await make()
        #expect(made.missingSnapshot?.isEmpty == false)
        try await expectUsable()
        let odd = try await make("other", snapshot: "no name of ours")
        #expect(odd.missingSnapshot?.contains("name of a snapshot") == true)
    }

    @Test("snapshots are found by name, whoever has the volume, and only in the order in which they were taken")
    func found() async throws {
        _ = try await make(snapshot: "sunday")
        _ = try await driver.mount("db", id: "m1")
        _ = try await SnapshotActions(ports).create("monday", of: "db")
        let whole = try await actions.find("monday", of: "db", since: nil)
        #expect(whole.image.name == "db" && whole.snapshot.name == "monday" && whole.from == nil)
        #expect(try await actions.find("monday", of: "db", since: "sunday").from?.name == "sunday")
        #expect(await errorOf { _ = try await actions.find("sunday", of: "db", since: "monday") }?.code == .conflict)
        #expect(await errorOf { _ = try await actions.find("monday", of: "db", since: "monday") }?.code == .conflict)
        #expect(await errorOf { _ = try await actions.find("tuesday", of: "db", since: nil) }?.code == .notFound)
        #expect(await errorOf { _ = try await actions.find("monday", of: "nobody", since: nil) }?.code == .notFound)
    }
}

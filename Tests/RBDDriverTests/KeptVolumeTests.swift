import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// A volume with `on-remove=trash` is kept when it is removed, and can be restored with all that it was.
@Suite struct KeptVolumeTests {
    private let faults = ScriptedFaults()
    private let cluster: SimulatedCluster
    private let image = ImageReference(pool: "rbd", name: "db")
    private let options = DriverFixture.options.merging(["on-remove": "trash", "trash.keep": "1h", "iops": "500"]) {
        $1
    }

    init() { cluster = SimulatedCluster(nodes: ["a", "b", "c"], hook: faults) }

    private var kept: [TrashedImage] {
        cluster.world.ceph.trash.compactMap { id, entry in
            TrashedImage(
                in: entry.reference.trash, id: id, named: entry.reference.name, protectedUntil: entry.protectedUntil)
        }.filter { $0.keptUntil != nil }
    }

    private func actions(_ node: String = "c", rules: DriverRules = DriverRules()) -> TrashActions {
        let ports = DriverFixture.driver(cluster, on: node).ports
        return TrashActions(
            store: ports.store, policies: ports.policyStore, images: ports.images, snapshots: ports.snapshots,
            clock: ports.clock, tokens: ports.tokens, rules: rules, me: "operator@\(node)", home: { nil })
    }

    private func record(_ name: String = "db") throws -> VolumeRecord? {
        cluster.world.etcd.volumes[try VolumeName(name)]?.record
    }

    private func isQuiet() -> Bool { cluster.world.etcd.trash.isEmpty }

    @Test("A removed volume stays in the trash for its time, whatever there is of its name, and goes then")
    func keptForItsTime() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: options)
        let id = try #require(cluster.world.ceph.images[image]?.id)
        try await driver.remove("db")
        #expect(try record() == nil)
        #expect(kept.map(\.id) == [id])
        #expect(driver.imagesInTrash <= 1)
        try await driver.create("db", options: DriverFixture.options)
        await driver.emptyTrash()
        cluster.mutate { $0.advance(by: .seconds(3500)) }
        await driver.emptyTrash()
        #expect(kept.map(\.id) == [id])
        cluster.mutate { $0.advance(by: .seconds(400)) }
        await driver.emptyTrash()
        #expect(kept == [] && isQuiet())
        _ = try await driver.mount("db", id: "m1")
    }

    @Test(
        "A volume comes back with its options, values, data and snapshots, under its old or another name",
        arguments: [nil, "new"])
    func restored(newName: String?) async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: options)
        try cluster.mutate { try $0.addSnapshot("by-hand", of: image) }
        let before = try #require(try record())
        let content = cluster.world.ceph.images[image]
        try await driver.remove("db")
        let listed = try await actions().list()
        #expect(listed.map(\.kept?.volume) == [before] && listed.first?.kept?.term.by == "a")

        let volume = try await actions("b").restore("db", as: newName)
        var expected = before
        expected.name = try VolumeName(newName ?? "db")
        #expect(volume == expected)
        #expect(try record(newName ?? "db") == expected)
        #expect(isQuiet() && kept == [])
        let now = cluster.world.ceph.images[image.named(newName ?? "db")]
        #expect(now?.content == content?.content && now?.snapshots == content?.snapshots && now?.id == content?.id)
        _ = try await driver.mount(newName ?? "db", id: "m1")
        try await driver.unmount(newName ?? "db", id: "m1")
        // It goes into the trash again, and is found there by its name of now.
        try await driver.remove(newName ?? "db")
        #expect(kept.map(\.volume.text) == [newName ?? "db"])
    }

    @Test("A name that a volume or an image has is refused, and nothing changes", arguments: [true, false])
    func takenName(byVolume: Bool) async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: options)
        try await driver.remove("db")
        if byVolume {
            try await driver.create("db", options: DriverFixture.options)
        } else {
            cluster.mutate { $0.addImage(image) }
        }
        let (etcd, images) = (cluster.world.etcd.readAll(), cluster.world.ceph.images)
        let error = try await #require(throws: VolumeError.self) { try await actions().restore("db", as: nil) }
        #expect(error.code == .alreadyExists && error.description.contains("--as"))
        #expect(cluster.world.etcd.readAll() == etcd && cluster.world.ceph.images == images)
        _ = try await actions().restore("db", as: "old")
        #expect(try record("old")?.phase == .ready)
    }

    @Test(
        "A removal that is killed anywhere is finished by another node, and the volume is kept",
        arguments: [PortOperation.storeCommit, .imageKeep, .imageRename, .imageTrash], [0, 1])
    func killedRemoval(_ operation: PortOperation, skipping: Int) async throws {
        try await DriverFixture.driver(cluster).create("db", options: options)
        let before = try #require(try record())
        faults.run(operation, .after, on: "a", skipping: skipping) { [cluster] _ in
            cluster.mutate { $0.killPlugin(on: "a") }
        }
        _ = try? await DriverFixture.driver(cluster).remove("db")
        faults.stop()
        cluster.mutate { $0.advance(by: .seconds(40)) }
        let next = DriverFixture.driver(cluster, on: "b")
        if try record() != nil {
            await next.emptyTrash()
            try await next.remove("db")
        }
        await next.emptyTrash()
        #expect(kept.count == 1 && cluster.world.leftovers == [])
        #expect(try await actions("a").restore("db", as: nil) == before)
    }

    @Test(
        "A restore that is killed anywhere is finished by the next, or by a node; no removal gets in between",
        arguments: [PortOperation.storeCommit, .imageRestore], [0, 1, 2, 3])
    func killedRestore(_ operation: PortOperation, skipping: Int) async throws {
        for (end, newName) in ["again", "sweep", "remove"].flatMap({ [($0, nil), ($0, "new" as String?)] }) {
            let faults = ScriptedFaults()
            let cluster = SimulatedCluster(nodes: ["a", "b", "c"], hook: faults)
            let driver = DriverFixture.driver(cluster, on: "b")
            try await driver.create("db", options: options)
            try await driver.remove("db")
            faults.run(operation, .after, on: "a", skipping: skipping) { _ in
                cluster.mutate { $0.killPlugin(on: "a") }
            }
            let ports = DriverFixture.driver(cluster).ports
            func actions(_ ports: DriverPorts) -> TrashActions {
                TrashActions(
                    store: ports.store, policies: ports.policyStore, images: ports.images, snapshots: ports.snapshots,
                    clock: ports.clock, tokens: ports.tokens, me: "operator", home: { nil })
            }
            _ = try? await actions(ports).restore("db", as: newName)
            faults.stop()
            cluster.mutate { $0.advance(by: .seconds(end == "sweep" ? 700 : 1)) }
            let name = try VolumeName(newName ?? "db")
            switch end {
            case "again": _ = try? await actions(driver.ports).restore("db", as: newName)
            case "sweep": await driver.emptyTrash()
            default:
                if cluster.world.etcd.volumes[name]?.record.phase == .removing {
                    #expect(await errorOf { try await driver.remove(name.text) }?.code == .unfinished)
                }
                cluster.mutate { $0.advance(by: .seconds(700)) }
                await driver.emptyTrash()
            }
            let world = cluster.world
            let isBack = world.etcd.volumes[name]?.record.phase == .ready
            #expect(isBack == (world.ceph.images[image.named(name.text)] != nil), "\(end)")
            #expect(isBack || world.ceph.trash.count == 1, "\(end)")
            #expect(world.etcd.trash.isEmpty && world.etcd.volumes.count == (isBack ? 1 : 0), "\(end)")
            if end == "again" { #expect(isBack) }
        }
    }

    @Test(
        "Of two who restore at once one wins, and nothing is lost",
        arguments: [("x", "y"), ("x", "x"), ("db", "y"), ("db", "db")])
    func race(names: (String, String)) async throws {
        for operation in [PortOperation.storeCommit, .storeRead, .imageRestore, .imageInspect] {
            for skipping in 0...3 {
                let faults = ScriptedFaults()
                let cluster = SimulatedCluster(nodes: ["a", "b", "c"], hook: faults)
                let driver = DriverFixture.driver(cluster, on: "b")
                try await driver.create("db", options: options)
                try await driver.remove("db")
                @Sendable func actions(_ node: String) -> TrashActions {
                    let ports = DriverFixture.driver(cluster, on: node).ports
                    return TrashActions(
                        store: ports.store, policies: ports.policyStore, images: ports.images,
                        snapshots: ports.snapshots, clock: ports.clock, tokens: ports.tokens, me: "operator@\(node)",
                        home: { nil })
                }
                let other = Outcome()
                faults.run(operation, .before, on: "a", skipping: skipping) { _ in
                    await other.note { try await actions("c").restore("db", as: names.1) }
                }
                let own = Outcome()
                await own.note { try await actions("a").restore("db", as: names.0) }
                let wins = await [own.isSuccess, other.isSuccess]
                // Who comes late may find it done as he wants it.
                #expect(names.0 == names.1 || wins.count(where: { $0 == true }) <= 1, "\(operation) \(skipping)")
                let world = cluster.world
                let ready = world.etcd.volumes.values.filter { $0.record.phase == .ready }
                #expect(ready.count <= 1 && world.ceph.images.count + world.ceph.trash.count == 1)
                if wins.contains(true) {
                    #expect(
                        world.etcd.volumes.count == 1 && ready.count == 1 && world.etcd.trash.isEmpty,
                        "\(operation) \(skipping)")
                    #expect(world.ceph.images.keys.map(\.name) == ready.map(\.record.name.text))
                } else {
                    // Both have given way: it is there still, for whoever comes next.
                    let name = world.etcd.volumes.values.first?.record.name.text ?? names.0
                    _ = try await actions("a").restore("db", as: name)
                }
            }
        }
    }

    @Test("A clock that is ahead deletes nothing: Ceph's clock has to say so as well")
    func clockAhead() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: options)
        try await driver.remove("db")
        cluster.mutate { $0.setWallClock(of: "a", ahead: .seconds(90_000)) }
        for _ in 1...3 {
            await driver.emptyTrash()
            cluster.mutate { $0.advance(by: .seconds(601)) }
        }
        #expect(kept.count == 1 && isQuiet())
        #expect(try await actions("a").restore("db", as: nil).phase == .ready)
        #expect(cluster.world.ceph.images[image]?.snapshots == [])
    }

    @Test("What a lost, old or forged record says makes no difference to what is kept")
    func recordsDoNotMatter() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: options)
        let before = try #require(try record())
        try await driver.remove("db")
        // Somebody who may write to etcd says that it is to be deleted.
        let found = try #require(kept.first)
        let claim = TrashClaim(
            .emptying, found, token: "t", by: "somebody", since: WallTime(seconds: 1))
        let store = driver.ports.store
        let stored = try await store.read(VolumeName("db"))
        _ = try await store.commit(TrashClaims.change(claim, of: before.uid, in: stored), over: stored)
        await driver.emptyTrash()
        #expect(kept.count == 1)
        // An old backup has it as a volume.
        let now = try await store.read(VolumeName("db"))
        _ = try await store.commit(.init(volume: .put(before), trash: .delete), over: now)
        cluster.mutate { $0.advance(by: .seconds(4000)) }
        await driver.emptyTrash()
        #expect(kept.count == 1)
        _ = try await actions().restore("db", as: nil)
        #expect(kept == [] && cluster.world.ceph.images[image]?.id == found.id)
        #expect(try record() == before)
    }

    @Test("What a person has put into the trash is neither listed, restored nor deleted, whatever its name")
    func foreignEntries() async throws {
        let plain = "rbd-plugin.kept.1.\(VolumeUID.make(home: nil, token: "u9")).db"
        cluster.mutate { world in
            for name in [plain, "photos"] {
                world.addImage(ImageReference(pool: "rbd", name: name))
                world.trashByHand(ImageReference(pool: "rbd", name: name))
            }
        }
        #expect(try await actions().list() == [])
        for text in ["photos", "db", "u9"] + cluster.world.ceph.trash.keys {
            let error = try await #require(throws: VolumeError.self) { try await actions().restore(text, as: nil) }
            #expect(error.code == .notFound)
        }
        await DriverFixture.driver(cluster).emptyTrash()
        #expect(cluster.world.ceph.trash.count == 2)
        #expect(cluster.world.ceph.trash.values.allSatisfy { !$0.isBeingDeleted })
    }

    @Test("A person deletes one early, with held snapshots; who was killed over it repeats it")
    func deletedEarly() async throws {
        let driver = DriverFixture.driver(cluster, on: "b")
        try await driver.create("db", options: options)
        try cluster.mutate { try $0.addSnapshot("manual", of: image, by: "operator@a") }
        let held = try #require(cluster.world.ceph.images[image]?.snapshots.first?.id)
        cluster.mutate { $0.hold(held, of: image, true) }
        try await driver.remove("db")
        faults.run(.snapshotRemove, .after, on: "c") { [cluster] _ in cluster.mutate { $0.killPlugin(on: "c") } }
        let found = try await actions().find("db", to: "delete")
        await #expect(throws: (any Error).self) { try await actions().remove(found) }
        faults.stop()
        // From now on nobody restores it: it is not whole any more.
        #expect(
            try await #require(throws: VolumeError.self) { try await actions("a").restore("db", as: nil) }.code
                == .conflict)
        try await actions("c").remove(found)
        #expect(kept == [] && isQuiet())
    }

    @Test("Whoever deletes does no harm to what was restored since he looked", arguments: [true, false])
    func restoredWhileDeleted(byPerson: Bool) async throws {
        for operation in [PortOperation.storeCommit, .storeRead, .snapshotTake, .imageTrashList] {
            let faults = ScriptedFaults()
            let cluster = SimulatedCluster(nodes: ["a", "b", "c"], hook: faults)
            let driver = DriverFixture.driver(cluster)
            try await driver.create("db", options: options)
            try cluster.mutate { try $0.addSnapshot("by-hand", of: image) }
            try await driver.remove("db")
            let ports = DriverFixture.driver(cluster, on: "b").ports
            let actions = TrashActions(
                store: ports.store, policies: ports.policyStore, images: ports.images, snapshots: ports.snapshots,
                clock: ports.clock, tokens: ports.tokens, me: "operator@b", home: { nil })
            let found = try await actions.find("db", to: "delete")
            cluster.mutate { $0.advance(by: .seconds(4000)) }
            faults.run(operation, .before, on: byPerson ? "b" : "a") { _ in
                let ports = DriverFixture.driver(cluster, on: "c").ports
                let others = TrashActions(
                    store: ports.store, policies: ports.policyStore, images: ports.images, snapshots: ports.snapshots,
                    clock: ports.clock, tokens: ports.tokens, me: "operator@c", home: { nil })
                _ = try? await others.restore("db", as: "new")
            }
            if byPerson { try? await actions.remove(found) } else { await driver.emptyTrash() }
            let world = cluster.world
            guard let restored = world.ceph.images[image.named("new")] else {
                #expect(world.etcd.volumes.isEmpty && world.ceph.trash.isEmpty, "\(operation)")
                continue
            }
            #expect(restored.snapshots.contains { $0.name == "by-hand" } && restored.filesystem != nil, "\(operation)")
            #expect(world.etcd.trash.isEmpty && world.etcd.volumes.count == 1, "\(operation)")
        }
    }

    @Test("With keep, the image stays under its name, is no volume, and can be adopted")
    func keepsImage() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options.merging(["on-remove": "keep"]) { $1 })
        let before = cluster.world.ceph.images[image]
        try await driver.remove("db")
        #expect(try record() == nil && cluster.world.ceph.images[image] == before)
        let error = try await #require(throws: VolumeError.self) {
            try await driver.create("db", options: DriverFixture.options)
        }
        #expect(error.code == .foreignImage)
    }

    @Test("The policy decides for volumes that say nothing, as it is when the volume is removed")
    func policyDecides() async throws {
        var policy = Policy()
        try policy.runtime.set(.onRemove, "trash")
        let gold = try PolicyName("gold")
        cluster.mutate { $0.setPolicy(Policy(), as: gold) }
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options.merging(["policy": "gold"]) { $1 })
        cluster.mutate { $0.setPolicy(policy, as: gold) }
        try await driver.remove("db")
        #expect(kept.count == 1)
        // By the time it comes back the policy is gone.
        cluster.mutate { $0.setPolicy(nil, as: gold) }
        let volume = try await actions().restore("db", as: nil)
        #expect(volume.policy == nil && volume.runtime.onRemove == .trash)
    }

    @Test("A policy is not removed from under a volume that is coming back")
    func policyStays() async throws {
        let (cluster, gold) = (cluster, try PolicyName("gold"))
        cluster.mutate { $0.setPolicy(Policy(), as: gold) }
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: options.merging(["policy": "gold"]) { $1 })
        try await driver.remove("db")
        faults.run(.imageRestore, .before) { _ in
            #expect(!cluster.mutate { $0.setPolicy(nil, as: gold) })
        }
        #expect(try await actions().restore("db", as: nil).policy == gold)
        #expect(cluster.world.etcd.policies[gold] != nil)
    }

    @Test("A policy is not removed from under a volume whose removal was cut off: it may come back")
    func policyStaysForCutOffs() async throws {
        let (cluster, gold) = (cluster, try PolicyName("gold"))
        cluster.mutate { $0.setPolicy(Policy(), as: gold) }
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: options.merging(["policy": "gold"]) { $1 })
        faults.run(.imageTrash, .after, on: "a") { _ in cluster.mutate { $0.killPlugin(on: "a") } }
        _ = try? await driver.remove("db")
        #expect(try record()?.phase == .removing)
        #expect(!cluster.mutate { $0.setPolicy(nil, as: gold) })
        #expect(try await actions().restore("db", as: nil).policy == gold)
        #expect(cluster.world.etcd.policies[gold] != nil)
    }

    @Test("What is in the trash counts for nothing under a policy; what comes back needs room")
    func quota() async throws {
        var policy = Policy()
        policy.create.maxTotal = .mebibytes(300)
        let gold = try PolicyName("gold")
        cluster.mutate { $0.setPolicy(policy, as: gold) }
        let driver = DriverFixture.driver(cluster)
        let options = options.merging(["policy": "gold"]) { $1 }
        try await driver.create("db", options: options)
        try await driver.remove("db")
        try await driver.create("kv", options: options)
        let error = try await #require(throws: VolumeError.self) { try await actions().restore("db", as: nil) }
        #expect(error.code == .noSpace && isQuiet() && kept.count == 1)
        try await driver.remove("kv")
        _ = try await actions().restore("db", as: "other")
    }
}

/// How an attempt ended.
private actor Outcome {
    private(set) var isSuccess: Bool?

    func note(_ body: @Sendable () async throws -> VolumeRecord) async {
        do {
            _ = try await body()
            isSuccess = true
        } catch {
            isSuccess = false
        }
    }
}

import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// Volumes that are created with a policy, on simulated nodes.
@Suite("Volumes of a policy") struct PolicyTests {
    private let cluster: SimulatedCluster
    private let desk: NodePorts

    init() {
        cluster = SimulatedCluster(nodes: ["a", "b", "desk"], pools: ["rbd", "fast"])
        desk = cluster.startPlugin(on: "desk")
    }

    private func upload(_ name: String, _ options: [VolumeOption: String], most: VolumeSize? = nil) async throws {
        let name = try PolicyName(name)
        var policy = Policy()
        for (option, text) in options { try policy.create.set(option, text) }
        policy.create.maxSize = most
        var made: Revisioned<Policy>?
        while made == nil {
            made = try await desk.policies.put(policy, as: name, over: try await desk.policies.read(name))
        }
    }

    private func remove(_ name: String) async throws {
        let name = try PolicyName(name)
        let read = try #require(await desk.policies.read(name))
        #expect(try await desk.policies.delete(name, over: read))
    }

    private func record(_ name: String = "db") throws -> VolumeRecord {
        try #require(cluster.world.etcd.volumes[VolumeName(name)]).record
    }

    @Test("A volume gets what its policy says, and is used with it")
    func created() async throws {
        try await upload("gold", [.pool: "fast", .size: "300", .mountOptions: "noatime"])
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: ["policy": "gold", "iops": "700", "uid": "999"])
        let record = try record()
        #expect(record.phase == .ready && record.policy?.text == "gold" && record.runtime[.iops] == "700")
        #expect(record.spec == VolumeSpec(pool: "fast", size: .mebibytes(300), mountOptions: ["noatime"], uid: 999))
        #expect(cluster.world.ceph.images.keys.map(\.pool) == ["fast"])
        _ = try await driver.mount("db", id: "m1")
    }

    @Test("The policy 'default' is for volumes that are new and name none")
    func standard() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("old", options: DriverFixture.options)
        try await upload("default", [.pool: "fast", .size: "300"])
        try await upload("gold", [.pool: "rbd", .size: "400"])
        try await driver.create("old", options: DriverFixture.options)
        #expect(try record("old").policy == nil)
        try await driver.create("new", options: [:])
        #expect(try record("new").policy == .standard && record("new").spec.size == .mebibytes(300))
        try await driver.create("other", options: ["policy": "gold"])
        #expect(try record("other").policy?.text == "gold")
    }

    @Test("A policy that is not there is refused with the names of those that are, before anything exists")
    func unknown() async throws {
        let driver = DriverFixture.driver(cluster)
        let options = DriverFixture.options.merging(["policy": "glod"]) { $1 }
        let none = try #require(await errorOf { try await driver.create("db", options: options) })
        #expect(none.description.contains("no policy glod") && none.description.contains("policy upload"))
        try await upload("gold", [:])
        try await upload("silver", [:])
        let error = try #require(await errorOf { try await driver.create("db", options: options) })
        #expect(error.code == .invalidOption && error.description.contains("there are gold, silver"))
        #expect(cluster.world.leftovers == [])
    }

    @Test("A Create that is repeated finds its volume, whatever has become of the policy")
    func repeated() async throws {
        try await upload("gold", [.pool: "fast", .size: "300"])
        let (driver, options) = (DriverFixture.driver(cluster), ["policy": "gold", "mkfs-options": "-m 0"])
        try await driver.create("db", options: options)
        let before = try record()
        try await upload("gold", [.pool: "rbd", .size: "16", .fstype: "xfs"])
        try await driver.create("db", options: options)
        try await remove("gold")
        try await driver.create("db", options: options)
        try await DriverFixture.driver(cluster, on: "b").create("db", options: options)
        #expect(try record() == before)
        let error = try #require(await errorOf { try await driver.create("db", options: ["policy": "silver"]) })
        #expect(error.code == .alreadyExists && error.description.contains("policy=gold"))
    }

    @Test("What the plugin's settings do not allow no policy allows")
    func limits() async throws {
        try await upload("gold", [.pool: "fast", .size: "300"])
        for limits in [VolumeLimits(pools: ["rbd"]), VolumeLimits(largestSize: .mebibytes(299))] {
            let driver = VolumeDriver(cluster.startPlugin(on: "a"), limits: limits)
            let error = try #require(await errorOf { try await driver.create("db", options: ["policy": "gold"]) })
            #expect(error.code == .invalidOption && error.description.contains("RBD_"), "\(error)")
        }
        #expect(cluster.world.leftovers == [])
    }

    @Test("A volume that would be larger than its policy allows is refused before anything exists")
    func tooLarge() async throws {
        try await upload("gold", [.pool: "rbd"], most: .mebibytes(300))
        let driver = DriverFixture.driver(cluster)
        let options = ["policy": "gold", "size": "301"]
        let error = try #require(await errorOf { try await driver.create("db", options: options) })
        #expect(error.description.contains("policy gold allows 300M"))
        #expect(cluster.world.leftovers == [])
    }

    @Test("An image that is larger than the policy allows is not adopted, and stays as it is")
    func tooLargeToAdopt() async throws {
        try await upload("gold", [.pool: "rbd", .size: "64"], most: .mebibytes(300))
        let image = ImageReference(pool: "rbd", name: "db")
        _ = try await cluster.startPlugin(on: "b").formatter.createFormatted(
            image, spec: VolumeSpec(pool: "rbd", size: .mebibytes(512)), uid: "of another life")
        let driver = DriverFixture.driver(cluster)
        let options = ["policy": "gold", "adopt": "true"]
        let error = try #require(await errorOf { try await driver.create("db", options: options) })
        #expect(error.description.contains("policy gold allows 300M"))
        #expect(cluster.world.etcd.volumes.isEmpty && cluster.world.ceph.images[image]?.uid == "of another life")
    }

    @Test("A volume grows no further than its policy allows, and as it likes when the policy is gone")
    func resize() async throws {
        try await upload("gold", [.pool: "rbd"], most: .mebibytes(300))
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: ["policy": "gold", "size": "206"])
        let actions = OperatorActions(
            store: desk.store, policies: desk.policies, images: desk.images, fence: desk.fence, clock: desk.clock,
            blocklistExpiry: .seconds(60), me: NodeIdentity(node: "operator@desk", boot: "x"),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        _ = try await actions.resize("db", to: .mebibytes(300))
        let error = try #require(await errorOf { try await actions.resize("db", to: .mebibytes(301)) })
        #expect(error.description.contains("policy gold allows 300M"))
        #expect(cluster.world.etcd.desired.values.map(\.record.size) == [.mebibytes(300)])
    }

    /// Another node undoes the attempt, whose image is made all the same: the record that is written then is of that image.
    @Test("A policy that changes while a volume is created changes nothing of that volume")
    func changedMeanwhile() async throws {
        try await upload("gold", [.pool: "rbd", .size: "300"])
        let (slow, other) = (DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b"))
        let faults = ScriptedFaults()
        faults.run(.imageCreate, .before, on: "a") { _ in
            try await upload("gold", [.pool: "rbd", .size: "600"])
            cluster.mutate { $0.expireHeartbeat(of: "a") }
            try await other.remove("db")
            #expect(cluster.world.etcd.volumes.isEmpty)
        }
        cluster.intercept(with: faults)
        try await slow.create("db", options: ["policy": "gold"])
        let record = try record()
        #expect(record.spec.size == .mebibytes(300))
        #expect(cluster.world.ceph.images[record.image]?.size == .mebibytes(300))
    }

    @Test("Of volumes that are created while their policy changes each is what its record says")
    func manyWhileItChanges() async throws {
        try await upload("gold", [.pool: "rbd", .size: "300"])
        let drivers = [DriverFixture.driver(cluster), DriverFixture.driver(cluster, on: "b")]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask { try await drivers[number % 2].create("v\(number)", options: ["policy": "gold"]) }
                if number % 4 == 0 {
                    group.addTask { try await upload("gold", [.pool: "rbd", .size: "\(400 + number)"]) }
                }
            }
            try await group.waitForAll()
        }
        let records = cluster.world.etcd.volumes.values.map(\.record)
        #expect(records.count == 16)
        for record in records {
            #expect(record.phase == .ready && record.policy?.text == "gold")
            #expect(record.spec.size == cluster.world.ceph.images[record.image]?.size, "\(record.name)")
        }
    }
    @Test("A name with a policy before a slash makes a volume of that policy, which Docker knows by that name alone")
    func names() async throws {
        try await upload("gold", [.pool: "fast", .size: "300"])
        let driver = DriverFixture.driver(cluster)
        try await driver.create("gold/cache", options: [:])
        try await driver.create("gold/cache", options: ["policy": "gold"])
        #expect(cluster.world.imageNames == ["gold.cache"])
        #expect(try await driver.get("gold/cache").volume.name.given == "gold/cache")
        #expect(try await driver.list().map(\.name.given) == ["gold/cache"])
        #expect(try await driver.mount("gold/cache", id: "m1") == "/mnt/volumes/gold.cache")
        #expect(try await driver.path("gold/cache") == "/mnt/volumes/gold.cache")

        for ask in [
            { _ = try await driver.get("gold.cache") }, { _ = try await driver.mount("gold.cache", id: "m2") },
            { try await driver.remove("gold.cache") },
        ] as [@Sendable () async throws -> Void] {
            #expect(await errorOf { try await ask() }?.code == .notFound)
        }
        let other = try #require(await errorOf { try await driver.create("gold.cache", options: ["pool": "rbd"]) })
        #expect(other.code == .alreadyExists && other.description.contains("volume gold/cache"))
        try await driver.unmount("gold/cache", id: "m1")
        try await driver.remove("gold/cache")
        #expect(cluster.world.leftovers == [])
        try await driver.create("gold.cache", options: ["pool": "rbd"])
        let taken = try #require(await errorOf { try await driver.create("gold/cache", options: [:]) })
        #expect(taken.code == .alreadyExists && taken.description.contains("volume gold.cache"))
    }

    @Test("A name says which policy, and an option that says another is refused, as is a policy that is not there")
    func contradictingNames() async throws {
        try await upload("gold", [.pool: "fast"])
        let driver = DriverFixture.driver(cluster)
        let both = try #require(await errorOf { try await driver.create("gold/db", options: ["policy": "silver"]) })
        #expect(both.code == .invalidOption && both.description.contains("silver"))
        let none = try #require(await errorOf { try await driver.create("silver/db", options: ["pool": "rbd"]) })
        #expect(none.description.contains("there is no policy silver; there are gold"))
        #expect(cluster.world.leftovers == [])
    }

    @Test("'-o help=policies' tells which policies there are, and creates nothing")
    func help() async throws {
        let driver = DriverFixture.driver(cluster)
        let none = try #require(await errorOf { try await driver.create("x", options: ["help": "policies"]) })
        #expect(none.description.contains("There are no policies yet"))
        try await upload("gold", [.pool: "fast", .size: "300"], most: .gibibytes(1))
        try await upload("silver", [:])
        let told = try #require(await errorOf { try await driver.create("x", options: ["help": "policies"]) })
        #expect(told.description.contains("\n  gold    pool=fast size=300 max-size=1G\n  silver"), "\(told)")
        #expect(cluster.world.leftovers == [])
    }
}

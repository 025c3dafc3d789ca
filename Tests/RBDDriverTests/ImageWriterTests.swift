import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// Who may write to an image stands in the image. What etcd says is followed only as far as the image confirms it.
@Suite struct ImageWriterTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b", "c"])
    private let image = ImageReference(pool: "rbd", name: "db")
    private let mountpoint = "/mnt/volumes/db"

    private func bystander() throws -> ClientAddress { try #require(ClientAddress("10.9.9.9:0/7")) }

    private var writers: Set<ClientAddress> { cluster.world.ceph.images[image]?.writers ?? [] }

    private func read() async throws -> StoredVolume {
        try await cluster.startPlugin(on: "c").store.read(try VolumeName("db"))
    }

    /// A ready volume, with a record of a mount that somebody has written by hand.
    private func forge(
        _ state: Attachment.State, on node: String, naming client: ClientAddress, noted: Bool?
    ) async throws {
        try await DriverFixture.driver(cluster).create("db", options: DriverFixture.options)
        let volume = try #require(await read().volume?.record)
        var record = Attachment(
            volumeUID: volume.uid, owner: NodeIdentity(node: node, boot: "long-gone"), epoch: Epoch(3), state: state,
            clients: [client], since: "2026-01-01T00:00:00Z")
        record.writersAreNoted = noted
        if state == .fencing {
            record.fenced = Attachment.Fenced(
                owner: record.owner, epoch: Epoch(2), clients: [client], mayBeIncomplete: false,
                writersAreNoted: noted)
        }
        cluster.mutate { $0.putByHand(record, of: volume.name) }
    }

    @Test(
        "E3: a record that names somebody's client has it shut out by nobody, and the volume can be used",
        arguments: Attachment.State.allCases, ["a", "b", "nowhere"])
    func e3AForgedClientIsLeftAlone(state: Attachment.State, node: String) async throws {
        let victim = try bystander()
        try await forge(state, on: node, naming: victim, noted: true)
        let driver = DriverFixture.driver(cluster)
        try await driver.recover()
        #expect(try await driver.mount("db", id: "m1") == mountpoint)
        #expect(!cluster.world.isFenced(victim))
        #expect(!cluster.calls.contains { $0.operation == .fenceBlocklist })
        try await driver.unmount("db", id: "m1")
        try await driver.remove("db")
        #expect(!cluster.world.isFenced(victim))
    }

    @Test(
        "E3: of a record that notes nothing, a client that the image does not know is refused, with what to do",
        arguments: Attachment.State.allCases)
    func e3AnUnknownClientIsRefused(state: Attachment.State) async throws {
        let victim = try bystander()
        try await forge(state, on: "nowhere", naming: victim, noted: nil)
        let driver = DriverFixture.driver(cluster)
        for _ in 1...2 {
            let error = await #expect(throws: VolumeError.self) { try await driver.mount("db", id: "m1") }
            #expect(error?.code == .unexplained)
            #expect(error?.why.contains("10.9.9.9:0/7") == true)
            #expect(error?.remedy.contains("ceph osd blocklist add 10.9.9.9:0/7") == true)
        }
        #expect(!cluster.world.isFenced(victim))
        // The operator has made sure that it is the former node's.
        cluster.mutate { $0.blocklistByHand(victim, for: .seconds(315_360_000)) }
        #expect(try await driver.mount("db", id: "m1") == mountpoint)
    }

    @Test("E3: a mount of a version that noted nothing is taken over while Ceph still sees its client")
    func e3AnEarlierMountIsTakenOver() async throws {
        let client = try await mountByEarlierVersion()
        cluster.mutate { $0.powerOff("a") }
        cluster.mutate { $0.expireHeartbeat(of: "a") }
        #expect(try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2") == mountpoint)
        #expect(cluster.world.isFenced(client))
    }

    @Test("E3: a plugin that is started notes the writers of mounts that a version before it has made")
    func e3AnEarlierMountIsNoted() async throws {
        let client = try await mountByEarlierVersion()
        #expect(writers.isEmpty)
        try await DriverFixture.driver(cluster).recover()
        #expect(writers == [client])
        #expect(try await read().attachment?.record.writersAreNoted == true)
        #expect(try await read().attachment?.record.mountIDs == ["m1": 1])
    }

    @Test("An Unmount of a mount that an older version has made can be finished after its last write has failed")
    func anEarlierMountIsUnmountedInTwoSteps() async throws {
        let driver = DriverFixture.driver(cluster)
        _ = try await mountByEarlierVersion(driver)
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        // It records that it unmounts, unmounts and unmaps, and then cannot take the record away.
        faults.fail(.storeCommit, .before, on: "a", skipping: 1)
        let error = await #expect(throws: VolumeError.self) { try await driver.unmount("db", id: "m1") }
        #expect(error?.code == .timedOut)
        #expect(cluster.world.devices(of: "a").isEmpty)
        faults.stop()
        try await driver.unmount("db", id: "m1")
        #expect(cluster.world.etcd.attachments.isEmpty)
        #expect(try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2") == mountpoint)
    }

    /// Creates the volume and mounts it on node a.
    /// - Parameter running: the plugin there; one is started when there is none.
    /// - Returns: who writes.
    private func mount(_ running: VolumeDriver? = nil) async throws -> ClientAddress {
        let driver = running ?? DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        _ = try await driver.mount("db", id: "m1")
        return try #require(await read().attachment?.record.clients.first)
    }

    private func mountByEarlierVersion(_ running: VolumeDriver? = nil) async throws -> ClientAddress {
        let client = try await mount(running)
        try await makeEarlier(client)
        return client
    }

    /// As if a version had mounted the volume that noted nothing.
    private func makeEarlier(_ client: ClientAddress) async throws {
        let stored = try await read()
        var record = try #require(stored.attachment?.record)
        record.writersAreNoted = nil
        cluster.mutate { world in world.putByHand(record, of: stored.name) }
        let id = try #require(stored.volume?.record.imageID)
        try await cluster.startPlugin(on: "c").images.forgetWriters([client], in: image, id: id)
    }

    @Test("E3: the image names the writer while it is mounted, and nobody after the Unmount")
    func e3NotesComeAndGo() async throws {
        let driver = DriverFixture.driver(cluster)
        try await driver.create("db", options: DriverFixture.options)
        #expect(writers.isEmpty)
        for id in ["m1", "m2"] {
            _ = try await driver.mount("db", id: id)
            #expect(writers == Set(try await read().attachment?.record.clients ?? []))
            #expect(writers.count == 1)
            try await driver.unmount("db", id: id)
            #expect(writers.isEmpty)
        }
        #expect(cluster.world.ceph.blocklist.isEmpty)
    }

    /// Node a has the volume mounted from an image without a lock and has frozen, Ceph has forgotten its watch, and etcd its
    /// record.
    private func loseRecordOfASilentWriter() async throws -> ClientAddress {
        let first = DriverFixture.driver(cluster)
        try await first.create("db", options: DriverFixture.options)
        cluster.mutate { $0.disableLocks() }
        _ = try await first.mount("db", id: "m1")
        let client = try #require(await read().attachment?.record.clients.first)
        cluster.mutate { world in
            world.pause("a")
            world.advance(by: .seconds(60))
            world.deleteMountByHand("db")
        }
        return client
    }

    @Test("E3: a writer whose record was lost is shut out before the image is mapped, also without a lock")
    func e3ALostRecordMakesNoSecondWriter() async throws {
        let client = try await loseRecordOfASilentWriter()
        #expect(try await DriverFixture.driver(cluster, on: "b").mount("db", id: "m2") == mountpoint)
        #expect(cluster.world.isFenced(client))
        #expect(writers == Set(try await read().attachment?.record.clients ?? []))
        #expect(!writers.contains(client))
    }

    @Test("E3: a writer whose record was lost is shut out before its volume is removed")
    func e3ALostRecordOfARemovedVolume() async throws {
        let client = try await loseRecordOfASilentWriter()
        try await DriverFixture.driver(cluster, on: "b").remove("db")
        #expect(cluster.world.isFenced(client))
        #expect(cluster.world.etcd.volumes.isEmpty)
    }

    @Test("E3: an image that names a silent writer is adopted only when that one is shut out")
    func e3AdoptionAsksForTheWriter() async throws {
        let client = try await loseRecordOfASilentWriter()
        cluster.mutate { $0.forgetVolume("db") }
        let second = DriverFixture.driver(cluster, on: "b")
        let options = DriverFixture.options.merging(["adopt": "true"]) { $1 }
        let error = await #expect(throws: VolumeError.self) { try await second.create("db", options: options) }
        #expect(error?.code == .inUse)
        #expect(error?.remedy.contains("ceph osd blocklist add \(client)") == true)
        cluster.mutate { $0.blocklistByHand(client, for: .seconds(315_360_000)) }
        try await second.create("db", options: options)
        #expect(try await second.mount("db", id: "m2") == mountpoint)
    }

    @Test("E3: a record that names a client which is shut out lifts no entry of the blocklist")
    func e3AForgedRecordLiftsNoEntry() async throws {
        let client = try await mount()
        // Another node has taken the volume over; here the dead mount is still there.
        cluster.mutate { world in
            world.pause("a")
            world.expireHeartbeat(of: "a")
        }
        let other = DriverFixture.driver(cluster, on: "b")
        _ = try await other.mount("db", id: "m2")
        try await other.unmount("db", id: "m2")
        #expect(cluster.world.isFenced(client))
        let volume = try #require(await read().volume?.record)
        var record = Attachment(
            volumeUID: volume.uid, owner: NodeIdentity(node: "a", boot: "an-earlier-one"), epoch: volume.epoch,
            state: .attached, clients: [client], since: "2026-01-01T00:00:00Z")
        record.writersAreNoted = true
        cluster.mutate { world in
            world.putByHand(record, of: volume.name)
            world.wake("a")
        }
        try await DriverFixture.driver(cluster).recover()
        #expect(cluster.world.isFenced(client))
    }
}

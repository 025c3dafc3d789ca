import InMemoryPorts
import Testing
import VolumeCore

/// What the simulated world does where no contract looks: time, dead and paused nodes, partitions, two writers.
@Suite struct SimulatedWorldTests {
    private let cluster = SimulatedCluster(nodes: ["a", "b"])
    private let image = ImageReference(pool: "rbd", name: "db")
    private let mountpoint = "/mnt/volumes/db"
    private let a: NodePorts
    private let b: NodePorts

    init() {
        a = cluster.startPlugin(on: "a")
        b = cluster.startPlugin(on: "b")
    }

    private func makeVolume() async throws {
        let spec = VolumeSpec(pool: "rbd")
        _ = try await a.formatter.createFormatted(image, spec: spec, uid: "u1")
    }

    private func attach(_ ports: NodePorts) async throws -> MappedDevice {
        let device = try await ports.mapper.map(image, id: nil, options: [])
        try await ports.mounter.mount(device.path, at: mountpoint, .ext4, options: [])
        return device
    }

    private func code(_ body: () async throws -> Void) async -> VolumeError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? VolumeError)?.code
        }
    }

    private func write(_ record: String, on node: String) throws {
        try cluster.mutate { try $0.write(record, on: node, at: mountpoint) }
    }

    // MARK: Two writers

    @Test func mappingTwiceMakesTwoDevices() async throws {
        try await makeVolume()
        let first = try await a.mapper.map(image, id: nil, options: [])
        let second = try await a.mapper.map(image, id: nil, options: [])
        #expect(first.path != second.path)
        #expect(first.client != second.client)
        #expect(try await a.mapper.mapped().count == 2)
        #expect(cluster.world.writers(ofImage: cluster.world.ceph.images[image]?.id ?? "").count == 2)
    }

    @Test func mountingOnASecondNodeRuinsTheFilesystem() async throws {
        try await makeVolume()
        _ = try await attach(a)
        try write("a1", on: "a")
        _ = try await attach(b)
        try write("b1", on: "b")
        #expect(cluster.world.harm == [])
        try write("a2", on: "a")
        #expect(cluster.world.harm.count == 1)
        #expect(cluster.world.ceph.images[image]?.filesystem?.isDamaged == true)
    }

    @Test func aFencedWriterDoesNoHarmToTheNextOne() async throws {
        try await makeVolume()
        let device = try await attach(a)
        try write("a1", on: "a")
        cluster.mutate { $0.pause("a") }
        try await b.fence.blocklist(#require(device.client), for: .seconds(3600))
        try await b.fence.breakLock(of: image, heldBy: #require(device.client))
        #expect(try await b.images.watchers(of: image) == [])
        _ = try await attach(b)
        try write("b1", on: "b")
        cluster.mutate { $0.wake("a") }
        #expect(await code { try write("a2", on: "a") } == .fenced)
        #expect(cluster.world.records(of: image) == ["a1", "b1"])
        #expect(cluster.world.harm == [])
    }

    @Test func whatWasDirtyReachesTheDiskWhenAPausedNodeWakesUp() async throws {
        try await makeVolume()
        _ = try await attach(a)
        try cluster.mutate { try $0.buffer("late", on: "a", at: mountpoint) }
        cluster.mutate { $0.pause("a") }
        #expect(cluster.world.records(of: image) == [])
        cluster.mutate { $0.wake("a") }
        #expect(cluster.world.records(of: image) == ["late"])
    }

    @Test func whatWasDirtyIsLostWhenTheNodeWasFencedMeanwhile() async throws {
        try await makeVolume()
        let device = try await attach(a)
        try cluster.mutate { try $0.buffer("late", on: "a", at: mountpoint) }
        cluster.mutate { $0.pause("a") }
        try await b.fence.blocklist(#require(device.client), for: .seconds(3600))
        cluster.mutate { $0.wake("a") }
        #expect(cluster.world.records(of: image) == [])
        #expect(try await a.mounter.mounted(at: mountpoint)?.readOnly == true)
    }

    /// Why an entry has to last for years: a client that did not write while it stood does not know of it.
    @Test func aFenceThatRanOutFencesNobody() async throws {
        try await makeVolume()
        let device = try await attach(a)
        let client = try #require(device.client)
        cluster.mutate { $0.pause("a") }
        try await b.fence.blocklist(client, for: .seconds(60))
        try await b.fence.breakLock(of: image, heldBy: client)
        _ = try await attach(b)
        cluster.mutate { $0.advance(by: .seconds(61)) }
        #expect(try await b.fence.isBlocklisted(client) == false)
        cluster.mutate { $0.wake("a") }
        try write("a1", on: "a")
        #expect(cluster.world.harm.count == 1)
    }

    @Test func aClientThatLearnedOfItsFenceNeverRecovers() async throws {
        try await makeVolume()
        let device = try await attach(a)
        let client = try #require(device.client)
        try await b.fence.blocklist(client, for: .seconds(60))
        #expect(await code { try write("a1", on: "a") } == .fenced)
        try await b.fence.allow(client)
        #expect(await code { try write("a2", on: "a") } == .fenced)
        try await a.mounter.unmount(mountpoint)
        try await a.mapper.unmap(device)
        _ = try await attach(a)
        try write("a3", on: "a")
        #expect(cluster.world.records(of: image) == ["a3"])
    }

    // MARK: Watches and locks

    @Test func aDeadNodeIsAWatcherUntilItsWatchTimesOut() async throws {
        try await makeVolume()
        let device = try await attach(a)
        cluster.mutate { $0.powerOff("a") }
        #expect(try await b.images.watchers(of: image) == [device.client])
        cluster.mutate { $0.advance(by: .seconds(31)) }
        #expect(try await b.images.watchers(of: image) == [])
    }

    @Test func aLockOfASilentWatcherIsNotHandedOver() async throws {
        try await makeVolume()
        let device = try await attach(a)
        cluster.mutate { $0.cut("a", from: .ceph) }
        let mapped = try await b.mapper.map(image, id: nil, options: [])
        #expect(
            await code { try await b.mounter.mount(mapped.path, at: mountpoint, .ext4, options: []) } == .timedOut)
        #expect(try await b.images.inspect(image)?.lockOwners.map(Optional.some) == [device.client])
        // Without a watch Ceph's own rule applies: the one who needs the lock blocklists the old owner.
        cluster.mutate { $0.advance(by: .seconds(31)) }
        try await b.mounter.mount(mapped.path, at: mountpoint, .ext4, options: [])
        #expect(try await b.images.inspect(image)?.lockOwners.map(Optional.some) == [mapped.client])
        #expect(try await b.fence.isBlocklisted(#require(device.client)))
    }

    // MARK: What stays busy

    @Test func aContainerKeepsTheDeviceBusyAfterTheUnmount() async throws {
        try await makeVolume()
        let device = try await attach(a)
        let container = try cluster.mutate { try $0.startContainer(on: "a", at: mountpoint) }
        try await a.mounter.unmount(mountpoint)
        #expect(try await a.mounter.mounted(at: mountpoint) == nil)
        #expect(await code { try await a.mapper.unmap(device) } == .busy)
        try cluster.mutate { try $0.write("still", by: container) }
        try await a.mounter.mount(device.path, at: mountpoint, .ext4, options: [])
        #expect(cluster.world.harm == [])
        cluster.mutate { $0.release(container) }
        try await a.mounter.unmount(mountpoint)
        try await a.mapper.unmap(device)
        #expect(cluster.world.records(of: image) == ["still"])
    }

    @Test func aDisabledPluginLosesItsMountsAndKeepsItsDevices() async throws {
        try await makeVolume()
        let device = try await attach(a)
        let file = try cluster.mutate { try $0.openFile(on: "a", at: mountpoint) }
        cluster.mutate { $0.unmountLazily(below: "/mnt/volumes", on: "a") }
        #expect(try await a.mounter.mounted(at: mountpoint) == nil)
        #expect(await code { try await a.mapper.unmap(device) } == .busy)
        cluster.mutate { $0.release(file) }
        try await a.mapper.unmap(device)
    }

    // MARK: Partitions, reboots, processes

    @Test func withoutCephAnUnmountHangsAndEndsWhenItIsBack() async throws {
        try await makeVolume()
        let device = try await attach(a)
        try write("a1", on: "a")
        cluster.mutate { $0.cut("a", from: .ceph) }
        #expect(await code { try write("a2", on: "a") } == .timedOut)
        #expect(await code { _ = try await a.images.inspect(image) } == .timedOut)
        #expect(await code { try await a.mounter.unmount(mountpoint) } == .timedOut)
        #expect(await code { try await a.mapper.unmap(device) } == .busy)
        cluster.mutate { $0.heal("a", to: .ceph) }
        try await a.mapper.unmap(device)
        #expect(cluster.world.records(of: image) == ["a1", "a2"])
        #expect(cluster.world.acknowledged.values.flatMap(\.self) == ["a1"])
    }

    @Test func aRebootLeavesNothingMappedAndAnotherBoot() async throws {
        try await makeVolume()
        _ = try await attach(a)
        cluster.mutate { $0.reboot("a") }
        let next = cluster.startPlugin(on: "a")
        #expect(next.identity != a.identity)
        #expect(next.identity.node == "a")
        #expect(try await next.mapper.mapped() == [])
        #expect(try await next.mounter.mounted(at: mountpoint) == nil)
        #expect(try await b.directory.isAlive(a.identity) == false)
        #expect(try await b.directory.isAlive(next.identity))
    }

    @Test func aKilledPluginDoesNothingMore() async throws {
        try await makeVolume()
        _ = try await attach(a)
        let next = cluster.startPlugin(on: "a")
        await #expect(throws: PluginIsGone.self) { try await a.mounter.unmount(mountpoint) }
        await #expect(throws: PluginIsGone.self) { try await a.clock.sleep(for: .seconds(1)) }
        #expect(try await next.mounter.mounted(at: mountpoint) != nil)
        try write("goes on", on: "a")
    }

    @Test func aHeartbeatDiesWithItsTTLAndNotBefore() async throws {
        cluster.mutate { $0.cut("a", from: .etcd) }
        cluster.mutate { $0.advance(by: .seconds(29)) }
        #expect(try await b.directory.isAlive(a.identity))
        cluster.mutate { $0.advance(by: .seconds(1)) }
        #expect(try await b.directory.isAlive(a.identity) == false)
        #expect(a.catalog.isLoaded)
        cluster.mutate { $0.heal("a", to: .etcd) }
        #expect(try await b.directory.isAlive(a.identity))
        cluster.mutate { $0.expireHeartbeat(of: "a") }
        #expect(try await b.directory.isAlive(a.identity) == false)
    }

    @Test func theCatalogShowsTheLastThatWasSeen() async throws {
        let name = try VolumeName("db")
        let record = VolumeRecord(
            name: name, uid: "u1", phase: .ready, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: "")
        cluster.mutate { $0.cut("a", from: .etcd) }
        _ = try await b.store.commit(StoreChange(volume: .put(record)), over: b.store.read(name))
        #expect(a.catalog.find(name) == nil)
        #expect(b.catalog.find(name) != nil)
        #expect(await code { _ = try await a.store.read(name) } == .timedOut)
        cluster.mutate { $0.heal("a", to: .etcd) }
        #expect(a.catalog.find(name) != nil)
        cluster.mutate { $0.cut("a", from: .etcd) }
        #expect(cluster.startPlugin(on: "a").catalog.isLoaded == false)
    }

    // MARK: Formatting and removing in steps

    @Test func aFormatThatBrokeOffLeavesTheImageUnreadableAndMapped() async throws {
        let faults = ScriptedFaults()
        cluster.intercept(with: faults)
        faults.run(.formatEnd, .before) { [cluster] _ in cluster.mutate { $0.killPlugin(on: "a") } }
        await #expect(throws: PluginIsGone.self) {
            try await a.formatter.createFormatted(image, spec: VolumeSpec(pool: "rbd"), uid: "u1")
        }
        let next = cluster.startPlugin(on: "a")
        let left = try await next.mapper.mapped()
        #expect(left.map(\.image) == [image])
        #expect(await code { try await next.images.remove(image, id: nil) } == .busy)
        #expect(
            await code {
                _ = try await next.formatter.createFormatted(image, spec: VolumeSpec(pool: "rbd"), uid: "u2")
            } == .alreadyExists)
        for device in left { try await next.mapper.unmap(device) }
        try await next.images.remove(image, id: nil)
    }

    @Test func aRepairedDeviceHasToBeMappedAnew() async throws {
        try await makeVolume()
        cluster.mutate { $0.disorder(image) }
        let stale = try await a.mapper.map(image, id: nil, options: [])
        #expect(await code { try await a.filesystems.check(stale.path, .ext4) } == .unfinished)
        try await a.mapper.unmap(stale)
        let fresh = try await a.mapper.map(image, id: nil, options: [])
        try await a.filesystems.check(fresh.path, .ext4)
        try await a.mounter.mount(fresh.path, at: mountpoint, .ext4, options: [])
        #expect(cluster.world.harm == [])
    }

    @Test func mountingARepairedDeviceDoesHarm() async throws {
        try await makeVolume()
        cluster.mutate { $0.disorder(image) }
        let stale = try await a.mapper.map(image, id: nil, options: [])
        #expect(await code { try await a.filesystems.check(stale.path, .ext4) } == .unfinished)
        try await a.filesystems.check(stale.path, .ext4)
        try await a.mounter.mount(stale.path, at: mountpoint, .ext4, options: [])
        #expect(cluster.world.harm.count == 1)
    }

    @Test func clocksDrift() async throws {
        let before = (a.clock.now(), b.clock.now())
        cluster.mutate { $0.setClock(of: "b", ahead: .seconds(3), pace: 2000) }
        cluster.mutate { $0.advance(by: .seconds(10)) }
        #expect(a.clock.now() - before.0 == .seconds(10))
        #expect(b.clock.now() - before.1 == .seconds(23))
        #expect(a.clock.timestamp() == "2026-01-01T00:00:10Z")
    }

    @Test func tokensAreTheSameForTheSameSeed() {
        let (first, second) = (SeededTokens(seed: 7), SeededTokens(seed: 7))
        let tokens = (1...3).map { _ in first.token() }
        #expect((1...3).map { _ in second.token() } == tokens)
        #expect(SeededTokens(seed: 8).token() != tokens[0])
    }
}

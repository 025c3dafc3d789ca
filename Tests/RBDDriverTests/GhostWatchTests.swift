import InMemoryPorts
import Logging
import PortContracts
import RBDDriver
import Testing
import VolumeCore

/// An OSD that had not wholly registered a watch when the client died shows it until its placement group is peered anew,
/// also when the client is on the blocklist.
@Suite struct GhostWatchTests {
    private let cluster = SimulatedCluster()

    private func driver(hauntedBy ghost: ClientAddress, on node: String = "a") -> VolumeDriver {
        let plain = DriverFixture.driver(cluster, on: node)
        var ports = plain.ports
        ports.images = HauntedImages(base: ports.images, ghost: ghost)
        return VolumeDriver(
            ports: ports, settings: plain.settings, me: plain.me,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func ofABlocklistedClientDoesNotStopAMount() async throws {
        let ghost = try #require(ClientAddress("10.0.0.9:0/4711"))
        let driver = driver(hauntedBy: ghost)
        try await driver.create("db", options: DriverFixture.options)
        try await driver.ports.fence.blocklist(ghost, for: .seconds(315_360_000))
        _ = try await driver.mount("db", id: "m1")
        #expect(cluster.world.mounts(of: "a").count == 1)
    }

    @Test("G47: an entry of an hour is no fence against a client that Ceph goes on showing")
    func g47AShortEntryIsNoFence() async throws {
        let ghost = try #require(ClientAddress("10.0.0.9:0/4711"))
        let driver = driver(hauntedBy: ghost)
        try await driver.create("db", options: DriverFixture.options)
        cluster.mutate { $0.blocklistByHand(ghost, for: .seconds(3600)) }
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .shortFence)
        #expect(cluster.world.devices(of: "a").isEmpty && cluster.world.etcd.attachments.isEmpty)
    }

    @Test func ofAnybodyElseDoes() async throws {
        let ghost = try #require(ClientAddress("10.0.0.9:0/4711"))
        let driver = driver(hauntedBy: ghost)
        try await driver.create("db", options: DriverFixture.options)
        let error = try #require(await errorOf { _ = try await driver.mount("db", id: "m1") })
        #expect(error.code == .inUse)
        #expect(error.description.contains(ghost.text))
        #expect(cluster.world.devices(of: "a").isEmpty)
    }

    @Test("D9: a client that may just have died is to be waited for before it is looked for")
    func d9WhatToDo() async throws {
        let ghost = try #require(ClientAddress("10.0.0.9:0/4711"))
        let driver = driver(hauntedBy: ghost)
        try await driver.create("db", options: DriverFixture.options)
        for error in [
            try #require(await errorOf { _ = try await driver.mount("db", id: "m1") }),
            try #require(await errorOf { try await driver.remove("db") }),
        ] {
            #expect(error.remedy.hasPrefix("Ceph drops a dead client after about 30 seconds"), "\(error)")
            #expect(error.remedy.contains("rbd status rbd/db"), "\(error)")
        }
    }
}

/// Images that somebody seems to watch.
private struct HauntedImages: PassingImages {
    let base: any ImageStore
    let ghost: ClientAddress

    func watchers(of image: ImageReference) async throws -> [ClientAddress] {
        try await base.watchers(of: image) + [ghost]
    }

    func inspect(_ image: ImageReference) async throws -> ImageDescription? {
        haunted(try await base.inspect(image))
    }

    func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription? {
        haunted(try await base.inspect(id: id, in: place))
    }

    private func haunted(_ image: ImageDescription?) -> ImageDescription? {
        var found = image
        found?.watchers.append(ghost)
        return found
    }
}

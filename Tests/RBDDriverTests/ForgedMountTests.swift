import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// The record of a mount names a device and a mountpoint. Whoever may write to etcd may have written it.
@Suite struct ForgedMountTests {
    private let cluster = SimulatedCluster()
    private let usual = "/mnt/volumes/mine"
    private let theirs = "/mnt/volumes/other"

    /// Where records can be made to point. The store of the twins hands out also what the real one would not read.
    static let places = [
        "/mnt/volumes/other", "/etc", "/mnt/volumes/../../etc", "/mnt/volumes/mine/../other", "/mnt/volumes/other/mine",
        "/mnt/volumes", "", "mine",
    ]

    /// Volumes `mine` and `other`; `other` is mounted, and `mine` if it is to be, and then `mine`'s record is forged.
    private func forged(_ mountpoint: String, isMounted: Bool, mapper: String?) async throws -> VolumeDriver {
        let driver = DriverFixture.driver(cluster)
        for name in ["mine", "other"] { try await driver.create(name, options: DriverFixture.options) }
        #expect(try await driver.mount("other", id: "o") == theirs)
        try cluster.mutate { try $0.write("theirs", on: "a", at: theirs) }
        if isMounted { #expect(try await driver.mount("mine", id: "m1") == usual) }
        let (mine, other) = (try await read("mine"), try await read("other"))
        var record = try #require(other.attachment?.record)
        record.volumeUID = try #require(mine.volume?.record.uid)
        record.clients = mine.attachment?.record.clients ?? []
        record.epoch = try #require(mine.volume?.record.epoch)
        record.mountIDs = ["m1": 1]
        record.mountpoint = mountpoint
        record.mapper = mapper
        let written = try await driver.ports.store.commit(.init(attachment: .put(record)), over: mine)
        #expect(written != nil)
        return driver
    }

    private func read(_ name: String) async throws -> StoredVolume {
        try await cluster.startPlugin(on: "b").store.read(try VolumeName(name))
    }

    private func expectOtherIsWhole() throws {
        #expect(cluster.world.mounts(of: "a").contains(theirs))
        try cluster.mutate { try $0.write("more", on: "a", at: theirs) }
    }

    private func expect(_ shown: String?, _ call: String) {
        #expect(shown == nil || shown == "" || shown == usual, "\(call): \(shown ?? "")")
    }

    @Test(
        "E2: a record that names another place is not followed by Get, Path, List, Mount and Unmount",
        arguments: places, [true, false])
    func e2AForgedMountpointIsNotFollowed(mountpoint: String, isMounted: Bool) async throws {
        // A kind of mapper that this node does not have, none, and its own.
        for mapper in [nil, "nbd", "krbd", "memory"] as [String?] {
            let test = ForgedMountTests()
            let driver = try await test.forged(mountpoint, isMounted: isMounted, mapper: mapper)
            test.expect(try await driver.path("mine"), "Path")
            let view = try await driver.get("mine")
            test.expect(view.mountpoint, "Get")
            test.expect(view.attachment?.mountpoint, "Status")
            for listed in try await driver.list() where listed.name.text == "mine" {
                test.expect(listed.mountpoint, "List")
            }
            #expect(try await driver.mount("mine", id: "m2") == usual)
            try test.expectOtherIsWhole()
            for id in ["m1", "m2"] { try await driver.unmount("mine", id: id) }
            #expect(test.cluster.world.mounts(of: "a") == [theirs])
            #expect(test.cluster.world.devices(of: "a").count == 1)
            try test.expectOtherIsWhole()
            #expect(try await driver.path("other") == theirs)
        }
    }

    @Test("E2: an Unmount of a forged record unmounts the volume and nothing else", arguments: places, [true, false])
    func e2AnUnmountFindsTheVolumeByItself(mountpoint: String, isMounted: Bool) async throws {
        let driver = try await forged(mountpoint, isMounted: isMounted, mapper: "krbd")
        try await driver.unmount("mine", id: "m1")
        #expect(cluster.world.mounts(of: "a") == [theirs])
        try expectOtherIsWhole()
        #expect(try await read("mine").attachment == nil)
    }

    @Test("E2: neither a start nor the reconciler follows a forged record", arguments: places)
    func e2RecoveryDoesNotFollowIt(mountpoint: String) async throws {
        for state in Attachment.State.allCases where state != .fencing {
            let test = ForgedMountTests()
            let driver = try await test.forged(mountpoint, isMounted: true, mapper: "krbd")
            let stored = try await test.read("mine")
            var record = try #require(stored.attachment?.record)
            record.state = state
            record.mountIDs = [:]
            #expect(try await driver.ports.store.commit(.init(attachment: .put(record)), over: stored) != nil)
            test.expect(try await driver.path("mine"), "Path")
            try await driver.recover()
            await driver.reconcileAll()
            #expect(test.cluster.world.mounts(of: "a") == [theirs], "\(state)")
            try test.expectOtherIsWhole()
        }
    }

    @Test("E2: on another node nobody is shown a place that is not named after the volume")
    func e2AnotherNodesPlaceIsShownAsFarAsItCanBe() async throws {
        let driver = try await forged("/etc", isMounted: false, mapper: "krbd")
        let elsewhere = DriverFixture.driver(cluster, on: "b")
        #expect(try await elsewhere.get("mine").attachment?.mountpoint == nil)
        #expect(try await elsewhere.get("mine").mountpoint == "")
        #expect(try await elsewhere.get("other").attachment?.mountpoint == theirs)
        #expect(try await driver.get("other").attachment?.mountpoint == theirs)
    }
}

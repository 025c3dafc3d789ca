import FoundationEssentials
import Glibc
import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

@testable import CephStorage

extension CephTests {
    @Suite("Fence") struct Fencing {
        private static let years = Duration.seconds(10 * 365 * 86400)

        @Test("Opening read-write shows as a watcher with our address, read-only does not")
        func watchers() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let me = try await ceph.connection.identity()
                    let reader = try await ceph.images.open(.name(name), .readOnly)
                    #expect(try await reader.watchers().isEmpty)
                    let writer = try await ceph.images.open(.name(name), .readWrite)
                    let watchers = try await reader.watchers()
                    #expect(watchers.map(\.clientID) == [Int64(me.clientID)])
                    #expect(watchers.map(\.address) == [me.addresses.first])
                    try await writer.close()
                    #expect(try await reader.watchers().isEmpty)
                    try await reader.close()
                }
            }
        }

        @Test("A description names the watchers of other clients, and not this one's own handle")
        func described() async throws {
            try await CephFixture.with { ceph in
                try await CephFixture.with { other in
                    try await ceph.withImage { name in
                        let store = CephImageStore(connection: ceph.connection, clock: SystemClock())
                        let image = ImageReference(pool: ceph.environment.pool, name: name)
                        let own = try await ceph.images.open(.name(name), .readWrite)
                        #expect(try await store.inspect(image)?.watchers == [])
                        let writer = try await other.images.open(.name(name), .readWrite)
                        let address = try #require(await other.connection.identity().addresses.first)
                        #expect(try await store.inspect(image)?.watchers == [address])
                        #expect(try await store.watchers(of: image) == [address])
                        try await writer.close()
                        #expect(try await store.inspect(image)?.watchers == [])
                        try await own.close()
                    }
                }
            }
        }

        @Test("More watchers than the first buffer holds are all listed")
        func manyWatchers() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    var writers: [RBDImage] = []
                    for _ in 0..<12 { writers.append(try await ceph.images.open(.name(name), .readWrite)) }
                    let count = try await ceph.images.withImage(.name(name), .readOnly) {
                        try await $0.watchers().count
                    }
                    #expect(count == 12)
                    for writer in writers { try await writer.close() }
                }
            }
        }

        @Test("Writing takes the exclusive lock; its owner is named with its address, also to a reader")
        func lockOwners() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let me = try await ceph.connection.identity()
                    let reader = try await ceph.images.open(.name(name), .readOnly)
                    #expect(try await reader.lockOwners().isEmpty)
                    let writer = try await ceph.images.open(.name(name), .readWrite)
                    try await writer.write([1], at: 0)
                    let owner = try #require(try await reader.lockOwners().first)
                    #expect(owner.address == me.addresses.first)
                    #expect(owner.client == "client.\(me.clientID)")
                    #expect(owner.cookie.hasPrefix("auto "))
                    #expect(try await writer.lockOwners() == [owner])
                    try await writer.close()
                    #expect(try await reader.lockOwners().isEmpty)
                    #expect(try await !reader.breakLock(of: owner))
                    try await reader.close()
                }
            }
        }

        @Test("A dead client's lock is broken by a reader")
        func breakLock() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await CephFixture.with { victim in
                        let address = try #require(try await victim.connection.identity().addresses.first)
                        let image = try await victim.images.open(.name(name), .readWrite)
                        try await image.write([1], at: 0)
                        try await ceph.connection.blocklistAdd(address, for: Self.years)
                        let reader = try await ceph.images.open(.name(name), .readOnly)
                        let owner = try #require(try await reader.lockOwners().first)
                        #expect(owner.address == address)
                        #expect(try await reader.breakLock(of: owner))
                        #expect(try await reader.lockOwners().isEmpty)
                        try await reader.close()
                        try? await image.close()
                        try await Self.pardon(address, ceph)
                    }
                }
            }
        }

        @Test("A blocklisted client's write fails, its connection is made anew, and the lock passes on")
        func fence() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await CephFixture.with { victim in
                        let before = try await victim.connection.identity()
                        let address = try #require(before.addresses.first)
                        let image = try await victim.images.open(.name(name), .readWrite)
                        try await image.write([1], at: 0)

                        try await ceph.connection.blocklistAdd(address, for: Self.years)
                        #expect(try await ceph.connection.blocklist().map(\.address).contains(address))
                        // An OSD learns of it with the first request of a client that knows.
                        try await ceph.images.withImage(.name(name), .readOnly) { _ = try await $0.lockOwners() }

                        let error = try await CephFixture.error {
                            try await image.write([2], at: 0)
                            try await image.flush()
                        }
                        #expect(error.isBlocklisted, "\(error)")
                        #expect(error.description.contains("blocklist"))
                        try? await image.close()

                        try await victim.images.withImage(.name(name), .readOnly) { _ = try await $0.stat() }
                        #expect(try await victim.connection.identity().clientID != before.clientID)

                        try await Self.breakLock(of: name, heldBy: address, ceph)
                        try await ceph.images.withImage(.name(name), .readWrite) { image in
                            try await image.write([3], at: 0)
                            #expect(try await image.read(at: 0, count: 1) == [3])
                        }
                        try await Self.pardon(address, ceph)
                    }
                }
            }
        }

        @Test("The entry that stands is returned, and one that stood before keeps its expiry")
        func expiry() async throws {
            try await CephFixture.with { ceph in
                let address = try #require(ClientAddress("10.255.0.2:0/\(UInt32.random(in: 1...UInt32.max))"))
                let start = Date()
                let first = try await ceph.connection.blocklistAdd(address, for: Self.years)
                #expect(first.address == address)
                #expect(abs(first.until.timeIntervalSince(start) - 10 * 365 * 86400) < 3600)
                let second = try await ceph.connection.blocklistAdd(address, for: .seconds(600))
                #expect(second == first)
                #expect(try await ceph.connection.blocklist().contains(first))
                try await Self.pardon(address, ceph)
            }
        }

        @Test("Removing from the blocklist needs more than mon 'profile rbd', and the error says so")
        func removal() async throws {
            try await CephFixture.with { ceph in
                let address = try #require(ClientAddress("10.255.0.1:0/\(UInt32.random(in: 1...UInt32.max))"))
                try await ceph.connection.blocklistAdd(address, for: .seconds(600))
                let denied = try await CephFixture.error { try await ceph.connection.blocklistRemove(address) }
                #expect(denied.isDenied)

                try await CephFixture.with { settings, environment in
                    settings.user = "admin"
                    settings.confFile = environment.adminConf
                } _: { admin in
                    try await admin.connection.blocklistRemove(address)
                    #expect(try await !admin.connection.blocklist().map(\.address).contains(address))
                }
            }
        }

        @Test("An IPv6 client is blocklisted under its own address")
        func ipv6() async throws {
            try await CephFixture.with { ceph in
                let address = try #require(ClientAddress("v1:[fd00::7]:0/\(UInt32.random(in: 1...UInt32.max))"))
                try await ceph.connection.blocklistAdd(address, for: .seconds(600))
                #expect(try await ceph.connection.blocklist().map(\.address).contains(address))
                try await Self.pardon(address, ceph)
            }
        }

        private static func breakLock(of name: String, heldBy address: ClientAddress, _ ceph: CephFixture) async throws
        {
            try await ceph.images.withImage(.name(name), .readOnly) { image in
                for owner in try await image.lockOwners() where owner.address == address {
                    try await image.breakLock(of: owner)
                }
            }
        }

        /// The entry would outlive the test by years.
        private static func pardon(_ address: ClientAddress, _ ceph: CephFixture) async throws {
            try await ceph.rig.ceph("osd", "blocklist", "rm", address.text)
        }
    }
}

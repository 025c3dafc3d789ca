import Testing
import VolumeCore

/// What every `Fence` promises.
public enum FenceContract {
    public static let promises: [ContractCase<NodeUnderTest>] = [
        .init("a client is blocklisted until it is allowed again; repeating does no harm") { try await $0.entries() },
        .init("an entry stands as long as was asked for, and no repetition makes it stand shorter") {
            try await $0.entryLasts()
        },
        .init("an entry is about one client only") { try await $0.oneClient() },
        .init("a blocklisted client can write nothing, and what it wrote before stays") { try await $0.fences() },
        .init("a blocklisted device mounts nothing writable, unmaps, and its image maps again") {
            try await $0.mapsAgain()
        },
        .init("an image that nobody has mapped has no lock owner") { try await $0.noOwner() },
        .init("a writer owns the lock, and a broken lock is free") { try await $0.breaksLock() },
        .init("breaking the lock of a client that holds none changes nothing") { try await $0.breaksNothing() },
        .init("A4: a lock owner whose address names no client is an error, and its lock stays") {
            try await $0.obscureOwner()
        },
        .init("A5: an entry that stands is never replaced, and one that ends too soon is no fence") {
            try await $0.shortEntry()
        },
    ]
}

extension NodeUnderTest {
    private var day: Duration { .seconds(86_400) }

    /// An address of nobody (TEST-NET-1).
    private func stranger() throws -> ClientAddress {
        try #require(ClientAddress("192.0.2.1:0/\(UInt32.random(in: 1...UInt32.max))"))
    }

    private func client(of device: MappedDevice) async throws -> ClientAddress {
        try await eventually("the client is known", on: clock) {
            try await mapper.mapped().contains { $0.path == device.path && $0.client != nil }
        }
        return try #require(await mapper.mapped().first { $0.path == device.path }?.client)
    }

    fileprivate func entries() async throws {
        let client = try stranger()
        #expect(try await fence.isBlocklisted(client) == false)
        for _ in 1...2 {
            try await fence.blocklist(client, for: day)
            #expect(try await fence.isBlocklisted(client))
        }
        for _ in 1...2 {
            try await fence.allow(client)
            #expect(try await fence.isBlocklisted(client) == false)
        }
    }

    fileprivate func entryLasts() async throws {
        let client = try stranger()
        #expect(try await applications.timeLeftOnBlocklist(client) == nil)
        try await cleaningUp {
            for duration in [day, day, .seconds(3600)] {
                try await fence.blocklist(client, for: duration)
                let left = try #require(try await applications.timeLeftOnBlocklist(client))
                #expect(left > day - .seconds(120) && left < day + .seconds(120), "after asking for \(duration)")
            }
        } after: {
            try await fence.allow(client)
        }
        #expect(try await applications.timeLeftOnBlocklist(client) == nil)
    }

    fileprivate func oneClient() async throws {
        let client = try stranger()
        let neighbour = try #require(ClientAddress("192.0.2.1:0/1"))
        try await fence.blocklist(client, for: day)
        try await cleaningUp {
            let isBlocklisted = try await fence.isBlocklisted(neighbour)
            #expect(!isBlocklisted)
        } after: {
            try await fence.allow(client)
        }
    }

    fileprivate func fences() async throws {
        try await withFormatted { image, _ in
            try await withDevice(image) { device in
                let client = try await client(of: device)
                try await withMount(device) { mountpoint in
                    try await applications.write("acknowledged", to: "file", at: mountpoint)
                    try await fence.blocklist(client, for: day)
                    await #expect(throws: (any Error).self, "a fenced client wrote") {
                        try await applications.write("too late", to: "late", at: mountpoint)
                    }
                }
            }
            try await withDevice(image) { device in
                try await filesystems.check(device.path, .ext4)
                try await withMount(device) { mountpoint in
                    let (file, late) = try await (
                        applications.read("file", at: mountpoint), applications.read("late", at: mountpoint)
                    )
                    #expect(file == "acknowledged")
                    #expect(late != "too late")
                }
            }
        }
    }

    fileprivate func mapsAgain() async throws {
        try await withFormatted { image, _ in
            var fenced: ClientAddress?
            try await withDevice(image) { device in
                let client = try await client(of: device)
                fenced = client
                try await fence.blocklist(client, for: day)
                let mountpoint = mountpoint("fenced")
                try? await mounter.mount(device.path, at: mountpoint, .ext4, options: [])
                let mounted = try await mounter.mounted(at: mountpoint)
                #expect(mounted == nil || mounted?.readOnly == true)
                try await mounter.unmount(mountpoint)
            }
            try await withDevice(image) { device in
                #expect(try await client(of: device) != fenced)
                try await withMount(device) { try await applications.write("back", to: "file", at: $0) }
            }
        }
    }

    fileprivate func noOwner() async throws {
        try await withImage { image, _ in
            let owners = try await lockOwners(of: image)
            #expect(owners == [])
        }
    }

    fileprivate func breaksLock() async throws {
        try await withLock { image, client, _ in
            try await fence.blocklist(client, for: day)
            for _ in 1...2 {
                try await fence.breakLock(of: image, heldBy: client)
                #expect(try await lockOwners(of: image) == [])
            }
        }
    }

    /// Lends an image that is mounted and whose lock the mapping's client holds.
    private func withLock(
        _ body: (_ image: ImageReference, _ client: ClientAddress, _ mountpoint: String) async throws -> Void
    ) async throws {
        try await withFormatted { image, _ in
            try await withDevice(image) { device in
                let client = try await client(of: device)
                try await withMount(device) { mountpoint in
                    try await applications.write("x", to: "file", at: mountpoint)
                    #expect(try await lockOwners(of: image) == [client])
                    try await body(image, client, mountpoint)
                }
            }
        }
    }

    fileprivate func breaksNothing() async throws {
        let stranger = try stranger()
        try await withFormatted { image, _ in
            try await fence.breakLock(of: image, heldBy: stranger)
            try await withDevice(image) { device in
                let client = try await client(of: device)
                try await withMount(device) { mountpoint in
                    try await applications.write("x", to: "file", at: mountpoint)
                    try await fence.breakLock(of: image, heldBy: stranger)
                    #expect(try await lockOwners(of: image) == [client])
                    try await applications.write("y", to: "file", at: mountpoint)
                }
            }
        }
    }

    fileprivate func obscureOwner() async throws {
        try await withLock { image, client, mountpoint in
            try await place.obscureLockOwner(image)
            for _ in 1...2 {
                let error = await expectFailure(.unexplained, "naming the owner of the lock") {
                    _ = try await lockOwners(of: image)
                }
                #expect(error.map { "\($0)".contains("\(image)") } ?? false, "the image is not named")
                await expectFailure(.unexplained, "breaking the lock") {
                    try await fence.breakLock(of: image, heldBy: client)
                }
            }
            try await applications.write("y", to: "file", at: mountpoint)
        }
    }

    /// Ceph cannot lengthen an entry. Removing it first is no way: what a raiser that was held up in between removes may be
    /// the long entry of the one that came after it.
    fileprivate func shortEntry() async throws {
        let client = try stranger()
        try await fence.blocklist(client, for: .seconds(3600))
        try await cleaningUp {
            for _ in 1...2 {
                let error = await expectFailure(.shortFence, "fencing with an entry of an hour") {
                    try await fence.blocklist(client, for: day)
                }
                #expect(error.map { "\($0)".contains("\(client)") } ?? false, "the client is not named")
                #expect(try await fence.isBlocklisted(client))
                // The same entry is good enough for as long as it lasts.
                try await fence.blocklist(client, for: .seconds(3600))
            }
        } after: {
            try await fence.allow(client)
        }
        try await fence.blocklist(client, for: day)
        try await fence.allow(client)
    }
}

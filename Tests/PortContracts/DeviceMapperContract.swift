import Testing
import VolumeCore

/// What every `DeviceMapper` promises.
public enum DeviceMapperContract {
    public static let promises: [ContractCase<NodeUnderTest>] = [
        .init("a mapped image is listed with its image, its path and its client") { try await $0.lists() },
        .init("A2: a device tells the id of its image") { try await $0.tellsID() },
        .init("A2: an image of another id than the one asked for is not mapped") { try await $0.refusesAnotherID() },
        .init("A2: a device keeps its id when its image is renamed, and the next image of that name is another device")
        {
            try await $0.renamed()
        },
        .init("the client is the image's watcher") { try await $0.clientWatches() },
        .init("an image in a namespace is listed as such") { try await $0.listsNamespace() },
        .init("two images are two devices of two clients") { try await $0.twoImages() },
        .init("an unmapped device is listed no more, and unmapping it again succeeds") { try await $0.unmaps() },
        .init("a path that shows another image now is not unmapped") { try await $0.stalePath() },
        .init("unmap is busy while the filesystem is mounted, which goes on working") { try await $0.busyMounted() },
        .init("unmap is busy while the device is open") { try await $0.busyOpen() },
        .init("a mounted device whose process has died is dead and mapped no more, until it is unmounted") {
            try await $0.dies()
        },
        .init("D14: the client of a process that was killed is dead for certain, mounted or not, until it is forgotten")
        {
            try await $0.knowsTheDead()
        },
        .init("D14: a client that was given back, or that lives, is not dead") { try await $0.knowsTheLiving() },
        .init("what the mapper has made is its own, also to a plugin that was started since, until it is given back") {
            try await $0.owns()
        },
        .init("a device that somebody else has made, of an image that the mapper has mapped too, is not its own") {
            try await $0.ownsNothingElse()
        },
        .init("what is mapped or unmapped is not dead") { try await $0.lives() },
        .init("a device for reading shows what is there, takes no write and no lock, and is known as such") {
            try await $0.mapsForReading()
        },
        .init("the device has the size of its image") { try await $0.sizes() },
        .init("a grown image grows its device") { try await $0.grows() },
        .init("mapping no image is an error and leaves nothing") { try await $0.mapsNothing() },
        .init("unsupported features are among those asked for, and the rest can be mapped") {
            try await $0.features()
        },
        .init("the kind is a word") { #expect(["krbd", "nbd", "fuse"].contains($0.mapper.kind)) },
    ]
}

extension NodeUnderTest {
    private func listing(of image: ImageReference) async throws -> [MappedDevice] {
        try await mapper.mapped().filter { $0.image == image }
    }

    fileprivate func lists() async throws {
        try await withImage { image, _ in
            #expect(try await listing(of: image) == [])
            try await withDevice(image) { device in
                #expect(device.image == image)
                #expect(try await applications.exists(device.path))
                #expect(device.client != nil, "without it nobody could shut the mapping out")
                let listed = try await listing(of: image)
                #expect(listed == [device])
            }
        }
    }

    fileprivate func tellsID() async throws {
        try await withImage { image, _ in
            let id = try #require(try await images.inspect(image)?.id)
            let device = try await mapper.map(image, id: id, options: [])
            #expect(device.imageID == id)
            #expect(try await listing(of: image).map(\.imageID) == [id])
            try await mapper.unmap(device)
        }
    }

    fileprivate func refusesAnotherID() async throws {
        try await withImage { image, _ in
            await expectFailure(.foreignImage, "map of an image with another id") {
                _ = try await mapper.map(image, id: "1234567890ab", options: [])
            }
            let (left, watchers) = (try await listing(of: image), try await images.watchers(of: image))
            #expect(left == [] && watchers == [])
        }
    }

    fileprivate func renamed() async throws {
        try await withImage { image, spec in
            let old = try await mapper.map(image, id: nil, options: [])
            let aside = image.named(image.name + ".old")
            try await images.rename(image, to: aside.name)
            try await cleaningUp {
                let id = try await images.create(image, spec: spec, uid: "uid")
                let new = try await mapper.map(image, id: id, options: [])
                #expect(new.imageID == id && new.path != old.path)
                #expect(Set(try await listing(of: image).map(\.imageID)) == [old.imageID, id])
                try await mapper.unmap(new)
                #expect(try await listing(of: image).map(\.path) == [old.path])
                #expect(try await listing(of: image).map(\.imageID) == [old.imageID])
            } after: {
                try await mapper.unmap(old)
                try await images.remove(aside, id: old.imageID)
            }
            #expect(try await listing(of: image) == [])
        }
    }

    fileprivate func mapsForReading() async throws {
        for type in types {
            try await withFormatted(type) { image, id in
                try await withDevice(image) { device in
                    #expect(try await mapper.isReadOnly(device) == false)
                    try await withMount(device, type) { try await applications.write("there", to: "file", at: $0) }
                }
                let device = try await mapper.map(image, id: id, for: .readOnly, options: [])
                try await cleaningUp {
                    let (isReadOnly, isOwn) = (
                        try await mapper.isReadOnly(device), try await mapper.isOwn(device)
                    )
                    #expect(isReadOnly && isOwn && device.imageID == id)
                    #expect(try await listing(of: image) == [device])
                    try await withMount(device, type, options: ["ro"]) { mountpoint in
                        let (text, owners) = (
                            try await applications.read("file", at: mountpoint), try await lockOwners(of: image)
                        )
                        #expect(text == "there" && owners == [])
                        await #expect(throws: (any Error).self) {
                            try await applications.write("no", to: "file", at: mountpoint)
                        }
                    }
                    // What asks for more gets no more.
                    try await withMount(device, type) { mountpoint in
                        let mounted = try await mounter.mounted(at: mountpoint)
                        #expect(mounted?.readOnly == true)
                    }
                } after: {
                    try await mapper.unmap(device)
                }
                #expect(try await listing(of: image) == [])
            }
        }
    }

    fileprivate func clientWatches() async throws {
        try await withImage { image, _ in
            try await withDevice(image) { device in
                let client = try #require(device.client)
                let (listed, watchers) = (try await listing(of: image), try await images.watchers(of: image))
                #expect(listed.map(\.client) == [client])
                #expect(watchers == [client])
            }
        }
    }

    fileprivate func listsNamespace() async throws {
        try await withImage(namespaced: true) { image, _ in
            try await withDevice(image) { device in
                let listed = try await listing(of: image)
                #expect(listed.map(\.path) == [device.path])
            }
        }
    }

    fileprivate func twoImages() async throws {
        try await withImage { first, _ in
            try await withImage { second, _ in
                try await withDevice(first) { one in
                    try await withDevice(second) { two in
                        #expect(one.path != two.path)
                        let clients = try await mapper.mapped().filter { $0.image == first || $0.image == second }
                            .map(\.client)
                        #expect(clients.count == 2 && Set(clients) == [one.client, two.client])
                        #expect(!clients.contains(nil) && one.client != two.client)
                    }
                    #expect(try await listing(of: first).map(\.path) == [one.path])
                }
            }
        }
    }

    fileprivate func unmaps() async throws {
        try await withImage { image, _ in
            let device = try await mapper.map(image, id: nil, options: [])
            try await mapper.unmap(device)
            #expect(try await listing(of: image) == [])
            try await mapper.unmap(device)
        }
    }

    fileprivate func stalePath() async throws {
        try await withImage { first, _ in
            try await withImage { second, _ in
                var stale = try await mapper.map(first, id: nil, options: [])
                try await mapper.unmap(stale)
                try await withDevice(second) { device in
                    // Mostly, `second` has the path now that `first` had.
                    try await mapper.unmap(stale)
                    stale.client = nil
                    try await mapper.unmap(stale)
                    #expect(try await listing(of: second).map(\.path) == [device.path])
                    #expect(try await mapper.size(of: device) >= .mebibytes(32))
                }
            }
        }
    }

    fileprivate func busyMounted() async throws {
        try await withVolume { device, image in
            try await withMount(device) { mountpoint in
                await expectFailure(.busy, "unmap of a mounted device") { try await mapper.unmap(device) }
                #expect(try await listing(of: image).map(\.path) == [device.path])
                try await applications.write("still here", to: "file", at: mountpoint)
                #expect(try await applications.read("file", at: mountpoint) == "still here")
            }
        }
    }

    fileprivate func busyOpen() async throws {
        try await withImage { image, _ in
            let device = try await mapper.map(image, id: nil, options: [])
            let close = try await applications.open(device.path)
            try await cleaningUp {
                await expectFailure(.busy, "unmap of an open device") { try await mapper.unmap(device) }
                let listed = try await listing(of: image)
                #expect(listed.map(\.path) == [device.path])
            } after: {
                try await close()
                try await mapper.unmap(device)
            }
            #expect(try await listing(of: image) == [])
        }
    }

    /// Ceph would count the dead client for half a minute, and so long the image could not be removed.
    fileprivate func dies() async throws {
        try await withFormatted { image, _ in
            let device = try await mapper.map(image, id: nil, options: [])
            let client = try #require(try await listing(of: image).first?.client)
            try await withMount(device) { _ in
                try await applications.killMapping(of: device)
                #expect(try await listing(of: image) == [])
                #expect(
                    try await deadListing(of: image) == [
                        MappedDevice(image: image, imageID: device.imageID, path: device.path, client: client)
                    ])
            }
            #expect(try await listing(of: image) == [])
            #expect(try await deadListing(of: image) == [])
            try await fence.blocklist(client, for: .seconds(3600))
            try await eventually("the dead client watches no more", on: clock) {
                try await images.watchers(of: image).isEmpty
            }
            try await fence.allow(client)
        }
    }

    fileprivate func knowsTheDead() async throws {
        for isMounted in [true, false] {
            try await withFormatted { image, _ in
                let device = try await mapper.map(image, id: nil, options: [])
                let client = try #require(device.client)
                if isMounted {
                    try await withMount(device) { _ in
                        try await applications.killMapping(of: device)
                        #expect(try await mapper.deadClients().contains(client))
                    }
                } else {
                    try await applications.killMapping(of: device)
                }
                // What is left of the mapping is cleared away; what is known of the client is not.
                #expect(try await listing(of: image) == [])
                #expect(try await mapper.deadClients().contains(client))
                try await fence.blocklist(client, for: .seconds(3600))
                try await mapper.forgetDeadClient(client)
                #expect(try await !mapper.deadClients().contains(client))
                try await eventually("the dead client watches no more", on: clock) {
                    try await images.watchers(of: image).isEmpty
                }
                try await fence.allow(client)
            }
        }
    }

    fileprivate func knowsTheLiving() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { _ in
                let dead = try await mapper.deadClients()
                #expect(!dead.contains { $0 == device.client })
            }
            try await mapper.unmap(device)
            #expect(try await !mapper.deadClients().contains { $0 == device.client })
        }
    }

    fileprivate func owns() async throws {
        try await withImage { image, _ in
            let device = try await mapper.map(image, id: nil, options: [])
            try await cleaningUp {
                #expect(try await mapper.isOwn(device))
                let listed = try #require(try await listing(of: image).first)
                #expect(try await restarted().isOwn(listed))
            } after: {
                try await mapper.unmap(device)
            }
            #expect(try await !mapper.isOwn(device))
        }
    }

    fileprivate func ownsNothingElse() async throws {
        try await withImage { image, _ in
            try await applications.withDeviceByHand(image) { theirs in
                #expect(try await !mapper.isOwn(theirs))
                try await withDevice(image) { device in
                    let (own, others) = (try await mapper.isOwn(device), try await mapper.isOwn(theirs))
                    #expect(own && !others)
                }
            }
        }
    }

    fileprivate func lives() async throws {
        try await withVolume { device, image in
            try await withMount(device) { _ in
                let dead = try await deadListing(of: image)
                #expect(dead == [])
            }
            try await mapper.unmap(device)
            #expect(try await deadListing(of: image) == [])
        }
    }

    private func deadListing(of image: ImageReference) async throws -> [MappedDevice] {
        try await mapper.deadMappings().filter { $0.image == image }
    }

    fileprivate func sizes() async throws {
        try await withImage { image, spec in
            try await withDevice(image) { device in
                let size = try await mapper.size(of: device)
                #expect(size == spec.size)
            }
        }
    }

    fileprivate func grows() async throws {
        try await withImage { image, spec in
            try await withDevice(image) { device in
                let larger = VolumeSize(bytes: spec.size.bytes * 2)
                try await place.resize(image, larger)
                try await mapper.grow(device, to: larger)
                #expect(try await mapper.size(of: device) == larger)
                try await mapper.grow(device, to: larger)
                #expect(try await mapper.size(of: device) == larger)
            }
        }
    }

    fileprivate func mapsNothing() async throws {
        let image = place.image("missing")
        await expectFailure(nil, "map of no image") { _ = try await mapper.map(image, id: nil, options: []) }
        #expect(try await listing(of: image) == [])
    }

    fileprivate func features() async throws {
        let all = ImageFeatures.standard.union(.journaling)
        let unsupported = try await mapper.unsupported(all)
        #expect(unsupported.isSubset(of: all))
        #expect(try await mapper.unsupported([]) == [])
        try await withImage(features: .standard.subtracting(unsupported)) { image, _ in
            try await withDevice(image) { #expect($0.image == image) }
        }
    }
}

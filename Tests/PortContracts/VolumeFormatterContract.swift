import Testing
import VolumeCore

/// What every `VolumeFormatter` promises.
public enum VolumeFormatterContract {
    public static let promises: [ContractCase<NodeUnderTest>] = [
        .init("a formatted image checks clean and mounts") { try await $0.formats() },
        .init("a formatted image bears its uid, and its id is told") { try await $0.formatMarks() },
        .init("nothing stays mapped or open") { try await $0.formatUnmaps() },
        .init("a formatted image of that name is refused, and its files stay") { try await $0.formatsOnce() },
        .init("any other image of that name is refused, and stays as it is") { try await $0.formatSpoiled() },
        .init("what cannot be created is an error, and leaves nothing") { try await $0.formatNowhere() },
        .init("an image in a namespace is formatted") { try await $0.formatNamespaced() },
    ]
}

extension NodeUnderTest {
    fileprivate func formats() async throws {
        for type in types {
            try await withFormatted(type) { image, _ in
                let found = try await images.filesystems(on: image)
                #expect(found == [type])
            }
            try await withVolume(type) { device, _ in
                try await filesystems.check(device.path, type)
                try await withMount(device, type) { mountpoint in
                    let mounted = try await mounter.mounted(at: mountpoint)
                    #expect(mounted?.filesystem == type.rawValue)
                }
            }
        }
    }

    fileprivate func formatMarks() async throws {
        try await withFormatted { image, id in
            let found = try #require(await images.inspect(image))
            #expect(found.id == id)
            #expect(found.uid == "uid")
            #expect(found.size == place.spec().size)
        }
    }

    fileprivate func formatUnmaps() async throws {
        try await withFormatted { image, _ in
            #expect(try await mapper.mapped().contains { $0.image == image } == false)
            try await eventually("the formatter's watcher goes", on: clock) {
                try await images.watchers(of: image) == []
            }
            #expect(try await lockOwners(of: image) == [])
        }
    }

    fileprivate func formatsOnce() async throws {
        for type in types {
            try await withFormatted(type) { image, _ in
                try await withDevice(image) { device in
                    try await withMount(device, type) {
                        try await applications.write("kept", to: "file", at: $0)
                    }
                }
                try await refusesToFormat(image, type)
                try await withDevice(image) { device in
                    try await filesystems.check(device.path, type)
                    try await withMount(device, type) {
                        let file = try await applications.read("file", at: $0)
                        #expect(file == "kept")
                    }
                }
            }
        }
    }

    fileprivate func formatSpoiled() async throws {
        try await withImage { image, _ in
            let before = try await images.inspect(image)
            try await refusesToFormat(image, .ext4)
            try await applications.spoil(image)
            for _ in 1...2 { try await refusesToFormat(image, .ext4) }
            #expect(try await images.inspect(image) == before)
            #expect(try await mapper.mapped().contains { $0.image == image } == false)
        }
    }

    private func refusesToFormat(_ image: ImageReference, _ type: FilesystemType) async throws {
        let error = await expectFailure(.alreadyExists, "a second format as \(type.rawValue)") {
            _ = try await formatter.createFormatted(image, spec: place.spec(type), uid: "intruder")
        }
        #expect(error?.outcome != .unknown)
    }

    fileprivate func formatNowhere() async throws {
        var image = place.image("nowhere")
        image.pool = "no-such-pool"
        var spec = place.spec()
        spec.pool = image.pool
        await expectFailure(.notFound, "an image in no pool") {
            _ = try await formatter.createFormatted(image, spec: spec, uid: "uid")
        }
        #expect(try await images.inspect(place.image("nowhere")) == nil)
    }

    fileprivate func formatNamespaced() async throws {
        try await withFormatted(namespaced: true) { image, _ in
            try await withDevice(image) { try await filesystems.check($0.path, .ext4) }
        }
    }
}

import Testing
import VolumeCore

/// What every `VolumeFormatter` promises.
public enum VolumeFormatterContract {
    public static let promises: [ContractCase<NodeUnderTest>] = [
        .init("a formatted image checks clean and mounts") { try await $0.formats() },
        .init("nothing stays mapped") { try await $0.formatUnmaps() },
        .init("a second format is refused, and the files stay") { try await $0.formatsOnce() },
        .init("an image that is not blank is refused, again and again") { try await $0.formatSpoiled() },
        .init("an image that does not exist is an error") { try await $0.formatMissing() },
        .init("an image in a namespace is formatted") { try await $0.formatNamespaced() },
    ]
}

extension NodeUnderTest {
    fileprivate func formats() async throws {
        for type in types {
            try await withVolume(type) { device, _ in
                try await filesystems.check(device.path, type)
                try await withMount(device, type) { mountpoint in
                    let mounted = try await mounter.mounted(at: mountpoint)
                    #expect(mounted?.filesystem == type.rawValue)
                }
            }
        }
    }

    fileprivate func formatUnmaps() async throws {
        try await withImage { image, spec in
            try await formatter.format(image, spec: spec)
            #expect(try await mapper.mapped().contains { $0.image == image } == false)
            try await eventually("the formatter's watcher goes", on: clock) {
                try await images.watchers(of: image) == []
            }
        }
    }

    fileprivate func formatsOnce() async throws {
        for type in types {
            try await withImage(type) { image, spec in
                try await formatter.format(image, spec: spec)
                try await withDevice(image) { device in
                    try await withMount(device, type) {
                        try await applications.write("kept", to: "file", at: $0)
                    }
                }
                let error = await expectFailure(.damaged, "a second format as \(type.rawValue)") {
                    try await formatter.format(image, spec: spec)
                }
                #expect(error?.outcome != .unknown)
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
        try await withImage { image, spec in
            try await applications.spoil(image)
            for _ in 1...2 {
                await expectFailure(.damaged, "format of an image with bytes on it") {
                    try await formatter.format(image, spec: spec)
                }
            }
            #expect(try await mapper.mapped().contains { $0.image == image } == false)
        }
    }

    fileprivate func formatMissing() async throws {
        let image = place.image("missing")
        await expectFailure(nil, "format of no image") { try await formatter.format(image, spec: place.spec()) }
        #expect(try await images.inspect(image) == nil)
    }

    fileprivate func formatNamespaced() async throws {
        try await withImage(namespaced: true) { image, spec in
            try await formatter.format(image, spec: spec)
            try await withDevice(image) { try await filesystems.check($0.path, .ext4) }
        }
    }
}

import Testing
import VolumeCore

/// What `FilesystemTools` promises of a mounted filesystem's space.
extension NodeUnderTest {
    /// Large beside what a filesystem keeps for itself, small beside the smallest volume.
    private static let file: UInt64 = 16 << 20

    func saysHowFull() async throws {
        for type in types {
            try await withVolume(type) { device, _ in
                try await withMount(device, type) { mountpoint in
                    let before = try await filesystems.usage(of: device.path, mountpoint: mountpoint)
                    #expect(before.totalBytes == (try await applications.capacity(at: mountpoint)), "\(type.rawValue)")
                    #expect(before.usedBytes + before.availableBytes <= before.totalBytes, "\(type.rawValue)")
                    #expect(before.usedInodes <= before.totalInodes, "\(type.rawValue)")
                    try await applications.fill("file", Self.file, at: mountpoint)
                    let after = try await filesystems.usage(of: device.path, mountpoint: mountpoint)
                    #expect(after.usedBytes >= before.usedBytes + Self.file, "\(type.rawValue)")
                    #expect(after.availableBytes <= before.availableBytes - Self.file, "\(type.rawValue)")
                }
            }
        }
    }

    func looksAtNothingElse() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { mountpoint in
                for (path, place) in [("/dev/none", mountpoint), (device.path, mountRoot)] {
                    await expectFailure(.notFound, "measuring \(path) at \(place)") {
                        _ = try await filesystems.usage(of: path, mountpoint: place)
                    }
                    await expectFailure(.notFound, "trimming \(path) at \(place)") {
                        _ = try await filesystems.trim(path, .ext4, mountpoint: place)
                    }
                    await expectFailure(.notFound, "freezing \(path) at \(place)") {
                        try await filesystems.freeze(path, mountpoint: place, atMost: .seconds(1))
                    }
                    await expectFailure(.notFound, "thawing \(path) at \(place)") {
                        _ = try await filesystems.thaw(path, mountpoint: place)
                    }
                    await expectFailure(.notFound, "switching discard on of \(path) at \(place)") {
                        try await filesystems.setOnlineDiscard(true, of: path, .ext4, mountpoint: place)
                    }
                }
            }
        }
    }

    func freezes() async throws {
        for type in types {
            try await withVolume(type) { device, _ in
                try await withMount(device, type) { mountpoint in
                    try await filesystems.freeze(device.path, mountpoint: mountpoint, atMost: .seconds(60))
                    #expect(try await filesystems.thaw(device.path, mountpoint: mountpoint), "\(type.rawValue)")
                    #expect(try await !filesystems.thaw(device.path, mountpoint: mountpoint), "\(type.rawValue)")
                    try await applications.write("kept", to: "file", at: mountpoint)

                    try await filesystems.freeze(device.path, mountpoint: mountpoint, atMost: .milliseconds(100))
                    try await clock.sleep(for: .seconds(1))
                    try await applications.write("kept too", to: "other", at: mountpoint)
                    #expect(try await !filesystems.thaw(device.path, mountpoint: mountpoint), "\(type.rawValue)")
                    #expect(try await applications.read("other", at: mountpoint) == "kept too")
                }
                try await filesystems.check(device.path, type)
            }
        }
    }

    func trims() async throws {
        for type in types {
            try await withVolume(type) { device, image in
                try await withMount(device, type) { mountpoint in
                    try await applications.write("kept", to: "other", at: mountpoint)
                    try await applications.fill("file", Self.file, at: mountpoint)
                    try await applications.remove("file", of: Self.file, at: mountpoint)
                    let before = try await place.allocated(image)
                    // xfs frees the blocks of a removed file a moment later.
                    try await eventually("\(type.rawValue) to give back what a file had", on: clock) {
                        let trimmed = try await filesystems.trim(device.path, type, mountpoint: mountpoint)
                        return try await place.allocated(image) + Self.file / 2 <= before && trimmed >= Self.file
                    }
                    #expect(try await applications.read("other", at: mountpoint) == "kept")
                }
                try await filesystems.check(device.path, type)
            }
        }
    }

    func discardsOnline() async throws {
        for type in types {
            try await withVolume(type) { device, image in
                try await withMount(device, type, options: ["noatime", "nodiscard"]) { mountpoint in
                    // Of what does not change later, nothing may be said to have changed.
                    guard type != .xfs else {
                        await expectFailure(.unsupported, "switching discard on while xfs is mounted") {
                            try await filesystems.setOnlineDiscard(
                                true, of: device.path, type, mountpoint: mountpoint)
                        }
                        return
                    }
                    for isOn in [true, true, false, false, true] {
                        try await filesystems.setOnlineDiscard(isOn, of: device.path, type, mountpoint: mountpoint)
                    }
                    // It collects for minutes what it is to give back.
                    if type == .btrfs { return }
                    try await applications.fill("file", Self.file, at: mountpoint)
                    let before = try await place.allocated(image)
                    try await applications.remove("file", of: Self.file, at: mountpoint)
                    try await eventually("\(type.rawValue) to give back what a file had", on: clock) {
                        try await place.allocated(image) + Self.file / 2 <= before
                    }
                }
                if type == .xfs { try await discardsFromTheMountOn(device, image) }
            }
        }
    }

    private func discardsFromTheMountOn(_ device: MappedDevice, _ image: ImageReference) async throws {
        try await withMount(device, .xfs, options: ["discard"]) { mountpoint in
            try await filesystems.setOnlineDiscard(true, of: device.path, .xfs, mountpoint: mountpoint)
            try await applications.fill("file", Self.file, at: mountpoint)
            let before = try await place.allocated(image)
            try await applications.remove("file", of: Self.file, at: mountpoint)
            try await eventually("xfs to give back what a file had", on: clock) {
                try await place.allocated(image) + Self.file / 2 <= before
            }
        }
    }
}

import Testing
import VolumeCore

/// What every `FilesystemTools` promises.
public enum FilesystemToolsContract {
    public static let promises: [ContractCase<NodeUnderTest>] = [
        .init("a filesystem that was used and unmounted checks clean") { try await $0.checksUsed() },
        .init(
            "a filesystem with small errors is repaired, and sound once the device was mapped anew where that is wanted"
        ) {
            try await $0.repairs()
        },
        .init("a filesystem that a person has to look at is damaged, and stays as it is") {
            try await $0.leavesDamage()
        },
        .init("a blank device is damaged") { try await $0.checksBlank() },
        .init("a mounted device is busy, and stays usable") { try await $0.checksMounted() },
        .init("a filesystem that gives a reason to is checked, and one that gives none is not") {
            try await $0.checksWithReason()
        },
        .init("B9: a check that takes longer than the call goes on, alone, and a later call finds it done") {
            try await $0.checksBeyondTheCall()
        },
        .init("a filesystem grows while mounted, and keeps its files") { try await $0.growsMounted() },
        .init("growing what is large enough does nothing") { try await $0.growsNothing() },
        .init("a filesystem says how full it is") { try await $0.saysHowFull() },
        .init("what is not mounted from the device is neither measured nor changed") {
            try await $0.looksAtNothingElse()
        },
        .init("a frozen filesystem is thawed when that is asked for, or when the time is up") {
            try await $0.freezes()
        },
        .init("trimming gives back what removed files have had") { try await $0.trims() },
        .init("switched on, discard gives back what files have had as they go") { try await $0.discardsOnline() },
    ]
}

extension NodeUnderTest {
    fileprivate func checksUsed() async throws {
        for type in types {
            try await withVolume(type) { device, _ in
                try await withMount(device, type) { try await applications.write("x", to: "file", at: $0) }
                for _ in 1...2 { try await filesystems.check(device.path, type) }
                try await withMount(device, type) {
                    let file = try await applications.read("file", at: $0)
                    #expect(file == "x")
                }
            }
        }
    }

    fileprivate func repairs() async throws {
        try await withFormatted { image, _ in
            try await withDevice(image) { device in
                try await withMount(device) { try await applications.write("kept", to: "file", at: $0) }
                try await applications.disorder(device, beyondRepair: false)
                do {
                    try await filesystems.check(device.path, .ext4)
                } catch let error as VolumeError {
                    #expect(error.code == .unfinished)
                }
            }
            try await withDevice(image) { device in
                try await filesystems.check(device.path, .ext4)
                try await withMount(device) {
                    let file = try await applications.read("file", at: $0)
                    #expect(file == "kept")
                    try await applications.write("usable", to: "file", at: $0)
                }
                try await filesystems.check(device.path, .ext4)
            }
        }
    }

    fileprivate func leavesDamage() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { try await applications.write("x", to: "file", at: $0) }
            try await applications.disorder(device, beyondRepair: true)
            for _ in 1...2 {
                await expectFailure(.damaged, "check of what a person has to look at") {
                    try await filesystems.check(device.path, .ext4)
                }
            }
        }
    }

    fileprivate func checksBlank() async throws {
        try await withImage { image, _ in
            try await withDevice(image) { device in
                await expectFailure(.damaged, "check of a blank device") {
                    try await filesystems.check(device.path, .ext4)
                }
            }
        }
    }

    fileprivate func checksMounted() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { mountpoint in
                await expectFailure(.busy, "check of a mounted device") {
                    try await filesystems.check(device.path, .ext4)
                }
                try await applications.write("x", to: "file", at: mountpoint)
            }
        }
    }

    /// A check that is begun cannot end meanwhile.
    fileprivate func checksWithReason() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { try await applications.write("x", to: "file", at: $0) }
            for reason in CheckReason.allCases {
                try await applications.holdChecks()
                try await cleaningUp {
                    try await filesystems.check(device.path, .ext4)
                    try await applications.give(device, reason)
                    await Deadline.$current.withValue(clock.now() + .seconds(5)) {
                        await expectFailure(.checking, "check of a filesystem with a reason: \(reason)") {
                            try await filesystems.check(device.path, .ext4)
                        }
                    }
                } after: {
                    try await applications.letChecksEnd()
                }
                try await filesystems.check(device.path, .ext4)
            }
            try await withMount(device) {
                let file = try await applications.read("file", at: $0)
                #expect(file == "x")
            }
        }
    }

    fileprivate func checksBeyondTheCall() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { try await applications.write("x", to: "file", at: $0) }
            try await applications.give(device, .timesMounted)
            try await applications.holdChecks()
            try await cleaningUp {
                for _ in 1...2 {
                    // Little time is left after what a check leaves for others.
                    await Deadline.$current.withValue(clock.now() + .seconds(5)) {
                        let error = await expectFailure(.checking, "a check that takes long") {
                            try await filesystems.check(device.path, .ext4)
                        }
                        #expect(error?.description.contains("being checked") == true)
                    }
                    let isChecking = try await filesystems.isChecking(device.path)
                    #expect(isChecking)
                }
                await expectFailure(.busy, "unmapping what is being checked") { try await mapper.unmap(device) }
            } after: {
                try await applications.letChecksEnd()
            }
            try await filesystems.check(device.path, .ext4)
            let isChecking = try await filesystems.isChecking(device.path)
            #expect(!isChecking)
            try await withMount(device) {
                let file = try await applications.read("file", at: $0)
                #expect(file == "x")
            }
        }
    }

    fileprivate func growsMounted() async throws {
        for type in types where !growable.contains(type) {
            try await withVolume(type) { device, image in
                try await withMount(device, type) { mountpoint in
                    let larger = VolumeSize(bytes: try await mapper.size(of: device).bytes * 2)
                    try await place.resize(image, larger)
                    try await mapper.grow(device, to: larger)
                    let error = await expectFailure(.unsupported, "growing \(type.rawValue) without the right to") {
                        try await filesystems.grow(device.path, type, mountpoint: mountpoint)
                    }
                    #expect(error?.description.contains("CAP_SYS_RESOURCE") == true)
                }
            }
        }
        for type in types where growable.contains(type) {
            try await withVolume(type) { device, image in
                try await withMount(device, type) { mountpoint in
                    try await applications.write("kept", to: "file", at: mountpoint)
                    let before = try await applications.capacity(at: mountpoint)
                    let larger = VolumeSize(bytes: try await mapper.size(of: device).bytes * 2)
                    try await place.resize(image, larger)
                    try await mapper.grow(device, to: larger)
                    try await filesystems.grow(device.path, type, mountpoint: mountpoint)
                    #expect(try await applications.capacity(at: mountpoint) > before * 3 / 2, "\(type.rawValue)")
                    #expect(try await applications.read("file", at: mountpoint) == "kept")
                }
                try await filesystems.check(device.path, type)
            }
        }
    }

    fileprivate func growsNothing() async throws {
        for type in types {
            try await withVolume(type) { device, _ in
                try await withMount(device, type) { mountpoint in
                    let before = try await applications.capacity(at: mountpoint)
                    try await filesystems.grow(device.path, type, mountpoint: mountpoint)
                    #expect(try await applications.capacity(at: mountpoint) == before, "\(type.rawValue)")
                }
            }
        }
    }
}

import Testing
import VolumeCore

/// What every `Mounter` promises.
public enum MounterContract {
    public static let promises: [ContractCase<NodeUnderTest>] = [
        .init("a mount makes its mountpoint and is seen there") { try await $0.mounts() },
        .init("where nothing is mounted there is nothing") { try await $0.nothingMounted() },
        .init("mount options reach the mount, and a root that is read-only stays as it is") { try await $0.readOnly() },
        .init("files survive an unmount and a mount") { try await $0.filesSurvive() },
        .init("unmount takes the directory away, and succeeds when nothing is mounted") { try await $0.unmounts() },
        .init("B6: a device tells where it is mounted, and unmounting another one there leaves it") {
            try await $0.unmountsOne()
        },
        .init("unmount is busy while a file is open, and the mount stays usable") { try await $0.busyFile() },
        .init("a device mounted twice is one filesystem") { try await $0.shared() },
        .init("a blank device is damaged, and nothing is left") { try await $0.blankDevice() },
        .init("another filesystem than the one that is there is an error") { try await $0.otherFilesystem() },
        .init("a prepared root has no lost+found, and the owner and mode asked for") { try await $0.prepares() },
        .init("preparing leaves alone what was not asked for, and every file") { try await $0.preparesLittle() },
        .init("a device is in use while it is mounted or open, and only then") { try await $0.usesOfDevice() },
        .init("a device that is held is in use, is given back to nobody, and can be mounted") { try await $0.holds() },
        .init("there is no root to prepare where nothing is mounted") { try await $0.preparesNothing() },
    ]
}

extension NodeUnderTest {
    fileprivate func mounts() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { mountpoint in
                let mounted = try await mounter.mounted(at: mountpoint)
                #expect(mounted == MountedFilesystem(device: device.path, filesystem: "ext4", readOnly: false))
                let exists = try await applications.exists(mountpoint)
                #expect(exists)
            }
        }
    }

    fileprivate func nothingMounted() async throws {
        #expect(try await mounter.mounted(at: mountpoint("nothing")) == nil)
        try await mounter.unmount(mountpoint("nothing"))
    }

    fileprivate func readOnly() async throws {
        try await withVolume { device, _ in
            try await withMount(device, options: ["ro", "noatime"]) { mountpoint in
                let mounted = try await mounter.mounted(at: mountpoint)
                #expect(mounted?.readOnly == true)
                await #expect(throws: (any Error).self) {
                    try await applications.write("no", to: "file", at: mountpoint)
                }
                let before = try await applications.owner(of: mountpoint)
                var spec = place.spec()
                spec.gid = before.gid + 1
                try await mounter.prepareRoot(of: mountpoint, spec: spec)
                #expect(try await applications.owner(of: mountpoint) == before)
            }
        }
    }

    fileprivate func filesSurvive() async throws {
        for type in types {
            try await withVolume(type) { device, _ in
                try await withMount(device, type) { try await applications.write("kept", to: "file", at: $0) }
                try await withMount(device, type) {
                    let (file, other) = try await (
                        applications.read("file", at: $0), applications.read("other", at: $0)
                    )
                    #expect(file == "kept")
                    #expect(other == nil)
                }
            }
        }
    }

    fileprivate func unmounts() async throws {
        try await withVolume { device, _ in
            let mountpoint = mountpoint("unmount")
            try await mounter.mount(device.path, at: mountpoint, .ext4, options: [])
            try await mounter.unmount(mountpoint)
            #expect(try await mounter.mounted(at: mountpoint) == nil)
            #expect(try await applications.exists(mountpoint) == false)
            try await mounter.unmount(mountpoint)
        }
    }

    fileprivate func busyFile() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { mountpoint in
                let close = try await applications.open(mountpoint)
                try await cleaningUp {
                    await expectFailure(.busy, "unmount with an open file") {
                        try await mounter.unmount(mountpoint)
                    }
                    #expect(try await mounter.mounted(at: mountpoint)?.device == device.path)
                    try await applications.write("still here", to: "file", at: mountpoint)
                    #expect(try await applications.read("file", at: mountpoint) == "still here")
                } after: {
                    try await close()
                }
                try await mounter.unmount(mountpoint)
                #expect(try await mounter.mounted(at: mountpoint) == nil)
            }
        }
    }

    fileprivate func shared() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { first in
                try await withMount(device) { second in
                    try await applications.write("seen", to: "file", at: first)
                    #expect(try await applications.read("file", at: second) == "seen")
                }
                #expect(try await mounter.mounted(at: first)?.device == device.path)
                #expect(try await applications.read("file", at: first) == "seen")
            }
        }
    }

    private func expectNoMount(
        _ code: VolumeError.Code?, _ what: String, of device: MappedDevice, as type: FilesystemType
    ) async throws {
        let mountpoint = mountpoint("fails")
        await expectFailure(code, what) {
            try await mounter.mount(device.path, at: mountpoint, type, options: [])
        }
        #expect(try await mounter.mounted(at: mountpoint) == nil)
        #expect(try await applications.exists(mountpoint) == false, "\(what): the directory is left")
    }

    fileprivate func blankDevice() async throws {
        try await withImage { image, _ in
            try await withDevice(image) { device in
                try await expectNoMount(.damaged, "mount of a blank device", of: device, as: .ext4)
            }
        }
    }

    fileprivate func otherFilesystem() async throws {
        try await withVolume { device, _ in
            for type in types where type != .ext4 {
                try await expectNoMount(nil, "mount of ext4 as \(type.rawValue)", of: device, as: type)
            }
            try await filesystems.check(device.path, .ext4)
        }
    }

    fileprivate func prepares() async throws {
        for type in types {
            try await withVolume(type) { device, _ in
                try await withMount(device, type) { mountpoint in
                    var spec = place.spec(type)
                    spec.uid = 999
                    spec.gid = 998
                    spec.mode = 0o2750
                    for _ in 1...2 { try await mounter.prepareRoot(of: mountpoint, spec: spec) }
                    #expect(try await applications.entries(at: mountpoint) == [])
                    #expect(
                        try await applications.owner(of: mountpoint) == RootOwner(uid: 999, gid: 998, mode: 0o2750))
                }
            }
        }
    }

    fileprivate func preparesLittle() async throws {
        try await withVolume { device, _ in
            try await withMount(device) { mountpoint in
                let before = try await applications.owner(of: mountpoint)
                #expect(try await applications.entries(at: mountpoint) == ["lost+found"])
                try await applications.write("found", to: "lost+found/inode", at: mountpoint)
                try await applications.write("mine", to: "file", at: mountpoint)
                try await mounter.prepareRoot(of: mountpoint, spec: place.spec())
                #expect(try await applications.entries(at: mountpoint) == ["lost+found", "file"])
                #expect(try await applications.read("lost+found/inode", at: mountpoint) == "found")
                #expect(try await applications.owner(of: mountpoint) == before)

                var spec = place.spec()
                spec.gid = 7
                try await mounter.prepareRoot(of: mountpoint, spec: spec)
                var after = before
                after.gid = 7
                #expect(try await applications.owner(of: mountpoint) == after)
            }
        }
    }

    fileprivate func preparesNothing() async throws {
        await expectFailure(nil, "preparing where nothing is mounted") {
            try await mounter.prepareRoot(of: mountpoint("nothing"), spec: place.spec())
        }
    }

    fileprivate func unmountsOne() async throws {
        try await withVolume { device, _ in
            #expect(try await mounter.mountpoints(of: device.path) == [])
            let mountpoint = mountpoint("one")
            try await mounter.mount(device.path, at: mountpoint, .ext4, options: [])
            try await cleaningUp {
                #expect(try await mounter.mountpoints(of: device.path) == [mountpoint])
                try await mounter.unmount(mountpoint, of: "/dev/rbd4711")
                #expect(try await mounter.mounted(at: mountpoint)?.device == device.path)
            } after: {
                try await mounter.unmount(mountpoint, of: device.path)
            }
            #expect(try await mounter.mountpoints(of: device.path) == [])
            let exists = try await applications.exists(mountpoint)
            #expect(!exists)
            try await mounter.unmount(mountpoint, of: device.path)
        }
    }

    fileprivate func holds() async throws {
        await #expect(throws: VolumeError.self) { _ = try await mounter.hold("/dev/rbd4711") }
        try await withVolume { device, _ in
            let held = try await mounter.hold(device.path)
            try await cleaningUp {
                #expect(try await mounter.isInUse(device.path))
                #expect(await errorOf { _ = try await mapper.unmap(device) }?.code == .busy)
                try await withMount(device) { mountpoint in
                    try await applications.write("written", to: "file", at: mountpoint)
                }
            } after: {
                await held.release()
            }
            #expect(try await mounter.isInUse(device.path) == false)
        }
    }

    fileprivate func usesOfDevice() async throws {
        #expect(try await mounter.isInUse("/dev/rbd4711") == false)
        try await withVolume { device, _ in
            let before = try await mounter.isInUse(device.path)
            try await withMount(device) { _ in
                let mounted = try await mounter.isInUse(device.path)
                #expect(mounted)
            }
            let unmounted = try await mounter.isInUse(device.path)
            let close = try await applications.open(device.path)
            try await cleaningUp {
                let opened = try await mounter.isInUse(device.path)
                #expect(opened)
            } after: {
                try await close()
            }
            let closed = try await mounter.isInUse(device.path)
            #expect([before, unmounted, closed] == [false, false, false])
        }
    }
}

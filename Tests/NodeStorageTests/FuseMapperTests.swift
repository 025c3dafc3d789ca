import Foundation
import Glibc
import PortContracts
import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// On real Ceph, with real FUSE files and loop devices.
@Suite struct FuseMapperTests {
    private struct Bench {
        let linux: LinuxBench
        let ceph: CephRig

        var mapper: FuseMapper {
            get throws {
                let environment = linux.environment
                return try FuseMapper(
                    files: CephClientFiles(
                        confPath: environment.cephConf, user: environment.cephUser, keyringPath: environment.cephKeyring
                    ),
                    stateFolder: linux.scratch.path, runner: linux.runner, kernel: linux.kernel
                ) { [ceph] image in
                    WatchedImage(
                        id: try await ceph.imageID(of: image.name, in: image.pool),
                        watchers: try await ceph.watchers(of: image.name, in: image.pool).compactMap(ClientAddress.init)
                    )
                }
            }
        }

        func makeImage(_ name: String, size: String = "64M") async throws -> ImageReference {
            let image = ImageReference(pool: linux.environment.pool, name: name)
            try await ceph.rbd("create", "--size", size, "\(image)")
            return image
        }
    }

    /// Makes a filesystem on the device and mounts it.
    /// - Returns: where.
    private func mountNew(_ device: MappedDevice, _ bench: Bench) async throws -> String {
        let folder = bench.linux.scratch.path + "/mnt"
        let mkfs = Command(.mkfsExt4, ["-q", device.path])
        try await bench.linux.runner.succeed(mkfs.apart(bench.linux.kernel, to: "test"), to: "make a filesystem")
        try await bench.linux.tool("mkdir", folder)
        try await bench.linux.tool("mount", device.path, folder)
        return folder
    }

    private func killDaemons(_ bench: Bench) async throws {
        for daemon in bench.linux.scratch.kernelState.exports { kill(daemon.pid, SIGKILL) }
        try await waitUntil { bench.linux.scratch.kernelState.exports.isEmpty }
    }

    /// Runs the test with images of its own, which are removed afterwards.
    private func run(images: Int = 1, size: String = "64M", _ body: (Bench, [ImageReference]) async throws -> Void)
        async throws
    {
        try await LinuxBench.run("fuse") { linux in
            let bench = Bench(linux: linux, ceph: CephRig(linux.environment))
            var made: [ImageReference] = []
            for _ in 0..<images { made.append(try await bench.makeImage(uniqueName("fuse,a b"), size: size)) }
            var failure: (any Error)?
            do {
                try await body(bench, made)
                #expect(linux.scratch.kernelState.isEmpty, "nothing is left: \(linux.scratch.kernelState)")
            } catch { failure = error }
            try await linux.scratch.sweep()
            for image in made {
                // Whoever watches now is dead, and would do so for half a minute.
                for dead in try await bench.ceph.watchers(of: image.name, in: image.pool) {
                    try await bench.ceph.ceph("osd", "blocklist", "add", dead)
                }
                try await bench.ceph.removeImage(image.name, in: image.pool)
            }
            if let failure { throw failure }
        }
    }

    private func write(_ text: String, to device: String, at offset: Int) throws {
        let file = open(device, O_RDWR | O_CLOEXEC)
        defer { close(file) }
        #expect(file >= 0)
        #expect(pwrite(file, text, text.utf8.count, offset) == text.utf8.count)
        #expect(fsync(file) == 0)
    }

    private func read(_ count: Int, from device: String, at offset: Int) -> String {
        let file = open(device, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: count)
        #expect(pread(file, &buffer, count, offset) == count)
        return String(decoding: buffer, as: UTF8.self)
    }

    @Test("A2: a mapping of an older version tells no id, is listed and can be given back")
    func a2OldNotesTellNoID() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            #expect(device.imageID == (try await bench.ceph.imageID(of: images[0].name, in: images[0].pool)))
            let notes = try await bench.linux.tool("find", bench.linux.scratch.path + "/fuse", "-name", "mapping.json")
            let file = notes.trimmingCharacters(in: .newlines)
            try await bench.linux.tool("sed", "-i", "s/,\"imageID\":\"[^\"]*\"//", file)
            var old = device
            old.imageID = nil
            #expect(try await mapper.mapped() == [old])
            let error = await errorOf { _ = try await mapper.map(images[0], id: device.imageID, options: []) }
            #expect(error?.code == .conflict, "it may be that very image")
            try await mapper.unmap(old)
        }
    }

    @Test func whatIsWrittenIsInTheImageAfterUnmapping() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let first = try await mapper.map(images[0], id: nil, options: [])
            #expect(first.image == images[0])
            #expect(try await mapper.size(of: first) == .mebibytes(64))
            #expect(try await bench.ceph.watchers(of: images[0].name, in: "rbd") == [first.client?.text])
            #expect(try await mapper.mapped() == [first])
            try write("hello", to: first.path, at: 50 << 20)
            try await mapper.unmap(first)
            #expect(try await mapper.mapped().isEmpty)
            #expect(try await bench.ceph.watchers(of: images[0].name, in: "rbd").isEmpty)

            let second = try await mapper.map(images[0], id: nil, options: ["queue_depth=128"])
            #expect(second.client != first.client)
            #expect(read(5, from: second.path, at: 50 << 20) == "hello")
            try await mapper.unmap(second)
            try await mapper.unmap(second)
        }
    }

    @Test func aNewPluginProcessKnowsWhatIsMapped() async throws {
        try await run { bench, images in
            let device = try await bench.mapper.map(images[0], id: nil, options: [])
            let restarted = try bench.mapper
            #expect(try await restarted.mapped() == [device])
            try await restarted.unmap(device)
        }
    }

    @Test func twoImagesAtOnceStayApart() async throws {
        try await run(images: 2) { bench, images in
            let mapper = try bench.mapper
            async let first = mapper.map(images[0], id: nil, options: [])
            async let second = mapper.map(images[1], id: nil, options: [])
            let devices = try await [first, second]
            #expect(Set(devices.map(\.path)).count == 2)
            #expect(Set(devices.compactMap(\.client)).count == 2)
            #expect(try await Set(mapper.mapped()) == Set(devices))
            try write("one", to: devices[0].path, at: 0)
            try write("two", to: devices[1].path, at: 0)
            #expect(read(3, from: devices[0].path, at: 0) == "one")
            for device in devices { try await mapper.unmap(device) }
        }
    }

    /// Who lists what is mapped may look at a mapping while it is being made, and get to cleaning it up when it is whole.
    @Test func whatLookedHalfMadeAndIsWholeByNowStays() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            let folder = FuseFolder(of: images[0], below: bench.linux.scratch.path + "/fuse", generation: 0)
            #expect(await mapper.cleanUpLeftover(folder) == device)
            #expect(try await mapper.mapped() == [device])
            try write("kept", to: device.path, at: 0)
            try await mapper.unmap(device)
        }
    }

    @Test func aMappedImageIsNotMappedTwice() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            let error = await errorOf { _ = try await mapper.map(images[0], id: nil, options: []) }
            #expect(error?.code == .conflict)
            #expect(error?.outcome == .refused)
            #expect(try await mapper.mapped() == [device])
            try await mapper.unmap(device)
        }
    }

    @Test func anOpenDeviceIsBusyAndStaysMapped() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            let file = open(device.path, O_RDONLY | O_CLOEXEC)
            let error = await errorOf { try await mapper.unmap(device) }
            #expect(error?.code == .busy)
            #expect(error?.why.contains("(process \(getpid()))") == true)
            #expect(try await mapper.mapped() == [device])
            close(file)
            try await mapper.unmap(device)
        }
    }

    @Test func aMountedDeviceIsBusyAndStaysUsable() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            let folder = try await mountNew(device, bench)
            #expect(await errorOf { try await mapper.unmap(device) }?.code == .busy)
            try await bench.linux.tool("touch", folder + "/still-works")
            try await bench.linux.tool("umount", folder)
            try await mapper.unmap(device)
        }
    }

    @Test func aKilledDaemonsLeftoversAreClearedAndTheImageMapsAgain() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            try write("before", to: device.path, at: 0)
            try await killDaemons(bench)
            #expect(try await mapper.mapped().isEmpty)
            #expect(bench.linux.scratch.kernelState.isEmpty)
            let again = try await mapper.map(images[0], id: nil, options: [])
            #expect(again.client != device.client)
            #expect(read(6, from: again.path, at: 0) == "before")
            try await mapper.unmap(again)
        }
    }

    @Test func aDeadMappingThatAFilesystemStillHoldsDoesNotStopANewOne() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let dead = try await mapper.map(images[0], id: nil, options: [])
            let folder = try await mountNew(dead, bench)
            try await killDaemons(bench)
            #expect(try await mapper.mapped().isEmpty)
            let fresh = try await mapper.map(images[0], id: nil, options: [])
            #expect(fresh.path != dead.path)
            #expect(try await mapper.mapped() == [fresh])
            try await bench.linux.tool("umount", folder)
            #expect(try await mapper.mapped() == [fresh])
            #expect(bench.linux.scratch.kernelState.loopDevices.map(\.device) == [fresh.path])
            try await mapper.unmap(fresh)
        }
    }

    /// The end of a container takes the daemon and the namespace in which its file was: then nothing shows any more which
    /// file the device was of.
    @Test func aDeadMappingIsKnownAsLongAsItIsMountedAlsoWhenItsContainerIsGone() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let dead = try await mapper.map(images[0], id: nil, options: [])
            let folder = try await mountNew(dead, bench)
            #expect(try await mapper.mapped() == [dead])
            try await killDaemons(bench)
            let file = FuseFolder(of: images[0], below: bench.linux.scratch.path + "/fuse", generation: 0).imageFile
            try await bench.linux.tool("umount", "--lazy", file)
            let shown = try await LoopDevices(runner: bench.linux.runner, kernel: bench.linux.kernel)
                .file(of: dead.path, for: "test")
            #expect(shown == LoopDevices.outOfSight)

            let restarted = try bench.mapper
            #expect(try await restarted.mapped().isEmpty)
            #expect(try await restarted.deadMappings() == [dead])
            let fresh = try await restarted.map(images[0], id: nil, options: [])
            #expect(try await restarted.mapped() == [fresh])
            #expect(try await restarted.deadMappings() == [dead])
            try await bench.linux.tool("umount", folder)
            try await waitUntil { try await restarted.deadMappings().isEmpty }
            #expect(try await restarted.mapped() == [fresh])
            try await restarted.unmap(fresh)
            #expect(try bench.linux.entries(bench.linux.scratch.path + "/fuse").isEmpty)
        }
    }

    @Test func halfMadeMappingsAreClearedByListing() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            // As a crash between the daemon and the loop device leaves it.
            try await bench.linux.tool("losetup", "-d", device.path)
            try await waitUntil { bench.linux.scratch.kernelState.loopDevices.isEmpty }
            #expect(bench.linux.scratch.kernelState.exports.count == 1)
            #expect(try await mapper.mapped().isEmpty)
            #expect(bench.linux.scratch.kernelState.isEmpty)
            #expect(try await bench.ceph.watchers(of: images[0].name, in: "rbd").isEmpty)
        }
    }

    @Test func anImageThatDoesNotExistLeavesNothingBehind() async throws {
        try await run(images: 0) { bench, _ in
            let mapper = try bench.mapper
            let image = ImageReference(pool: "rbd", name: uniqueName("absent"))
            // The watchers of an image that is not there cannot be listed either: mapping itself has to fail here.
            let blind = try FuseMapper(
                files: CephClientFiles(confPath: bench.linux.environment.cephConf, user: "docker"),
                stateFolder: bench.linux.scratch.path, runner: bench.linux.runner, kernel: bench.linux.kernel
            ) { WatchedImage(id: "id of \($0.name)", watchers: []) }
            let error = await errorOf { _ = try await blind.map(image, id: nil, options: []) }
            #expect(
                error?.why.contains("qemu-storage-daemon ended with status 1") == true, "\(String(describing: error))")
            #expect(error?.why.contains("No such file or directory") == true)
            #expect(try await mapper.mapped().isEmpty)
            #expect(try await bench.linux.tool("find", bench.linux.scratch.path + "/fuse", "-type", "f").isEmpty)
        }
    }

    @Test("A daemon that cannot export its image closes it: nobody finds the image in use")
    func failedExportClosesTheImage() async throws {
        try await run { bench, images in
            let environment = bench.linux.environment
            let sabotaged = try FuseMapper(
                files: CephClientFiles(confPath: environment.cephConf, user: environment.cephUser),
                stateFolder: bench.linux.scratch.path, runner: WithoutMountpoint(base: bench.linux.runner),
                kernel: bench.linux.kernel
            ) { WatchedImage(id: "id of \($0.name)", watchers: []) }
            let error = await errorOf { _ = try await sabotaged.map(images[0], id: nil, options: []) }
            #expect(error?.what == "map image \(images[0])" && error?.why.contains("/image") == true, "\(error as Any)")
            #expect(try await bench.ceph.watchers(of: images[0].name, in: "rbd").isEmpty)
            let device = try await bench.mapper.map(images[0], id: nil, options: [])
            try await bench.mapper.unmap(device)
        }
    }

    /// Removes the file that is to be mounted over right before the daemon starts.
    private struct WithoutMountpoint: CommandRunner {
        let base: ChildProcess

        func run(
            _ command: Command, to what: String, onLate: (@Sendable (CommandResult) async -> Void)?
        ) async throws -> CommandResult {
            if let option = command.arguments.firstIndex(of: "--pidfile") {
                unlink(command.arguments[option + 1].replacing(#/pid$/#, with: "image"))
            }
            return try await base.run(command, to: what, onLate: onLate)
        }

        func hold(_ command: Command, to what: String, within limit: Duration) async throws -> any HeldCommand {
            try await base.hold(command, to: what, within: limit)
        }
    }

    @Test func aMappingOfUnknownAddressIsUndone() async throws {
        try await run { bench, images in
            let environment = bench.linux.environment
            let blind = try FuseMapper(
                files: CephClientFiles(confPath: environment.cephConf, user: environment.cephUser),
                stateFolder: bench.linux.scratch.path, runner: bench.linux.runner, kernel: bench.linux.kernel
            ) { WatchedImage(id: "id of \($0.name)", watchers: []) }
            let error = await errorOf { _ = try await blind.map(images[0], id: nil, options: []) }
            #expect(error?.code == .inUse)
            #expect(bench.linux.scratch.kernelState.isEmpty)
            #expect(try await bench.ceph.watchers(of: images[0].name, in: "rbd").isEmpty)
        }
    }

    @Test func aCancelledMapLeavesNothingBehind() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let task = Task { try await mapper.map(images[0], id: nil, options: []) }
            try await waitUntil { !bench.linux.scratch.kernelState.exports.isEmpty }
            task.cancel()
            if case .success(let device) = await task.result { try await mapper.unmap(device) }
            #expect(bench.linux.scratch.kernelState.isEmpty)
        }
    }

    @Test func theDeviceGrowsWithItsImageAndNeverShrinksIt() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            let early = await errorOf { try await mapper.grow(device, to: .mebibytes(128)) }
            #expect(early?.code == .conflict)
            try await bench.ceph.rbd("resize", "--no-progress", "--size", "200M", "\(images[0])")
            try await mapper.grow(device, to: .mebibytes(128))
            #expect(try await mapper.size(of: device) == .mebibytes(200))
            let info = try await bench.ceph.rbd("info", "--format", "json", "\(images[0])")
            #expect(try JSONValue(parsing: info)["size"]?.integer == 200 << 20)
            try write("end", to: device.path, at: 199 << 20)
            #expect(read(3, from: device.path, at: 199 << 20) == "end")
            try await mapper.unmap(device)
        }
    }

    @Test func aFencedMappingCannotWriteAnyMoreAndIsGivenBack() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let device = try await mapper.map(images[0], id: nil, options: [])
            let client = try #require(device.client?.text)
            try await bench.ceph.ceph("osd", "blocklist", "add", client)
            let file = open(device.path, O_RDWR | O_CLOEXEC)
            // The map of the cluster that tells the OSD so may take a moment.
            try await waitUntil { pwrite(file, "late", 4, 0) != 4 || fsync(file) != 0 }
            close(file)
            try await mapper.unmap(device)
            #expect(bench.linux.scratch.kernelState.isEmpty)
            try await bench.ceph.ceph("osd", "blocklist", "rm", client)
            let fresh = try await mapper.map(images[0], id: nil, options: [])
            #expect(fresh.client?.text != client)
            try await mapper.unmap(fresh)
        }
    }

    @Test func strayFilesInTheStateFolderDoNoHarm() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let root = bench.linux.scratch.path + "/fuse"
            try await bench.linux.tool("mkdir", "-p", root + "/stray/below")
            try await bench.linux.tool("touch", root + "/file")
            let device = try await mapper.map(images[0], id: nil, options: [])
            #expect(try await mapper.mapped() == [device])
            try await mapper.unmap(device)
            #expect(try bench.linux.entries(root) == ["stray", "file"])
        }
    }

    @Test func optionsWithAnotherMeaningAreRefused() async throws {
        try await run { bench, images in
            let mapper = try bench.mapper
            let error = await errorOf {
                _ = try await mapper.map(images[0], id: nil, options: ["noshare", "exclusive"])
            }
            #expect(error?.code == .unsupported)
            #expect(error?.why.contains("'exclusive'") == true)
        }
    }

    @Test func aHungCephHoldsNobodyAndLeavesNothingOnceItAnswers() async throws {
        try await DisturbableRig.exclusively { environment in
            try await LinuxBench.run("fuse", in: environment) { linux in
                let bench = Bench(linux: linux, ceph: CephRig(environment))
                let mapper = try bench.mapper
                let mapped = try await bench.makeImage(uniqueName("hung"))
                let other = try await bench.makeImage(uniqueName("hung"))
                let device = try await mapper.map(mapped, id: nil, options: [])
                let errors = try await bench.ceph.osd.disturbed(by: .kill) {
                    // What is mapped is told without Ceph.
                    let listed = try await mapper.mapped()
                    #expect(listed == [device])
                    let clock = SystemClock()
                    return await Deadline.$current.withValue(clock.now() + .seconds(3)) {
                        await errorOf { _ = try await blind(bench).map(other, id: nil, options: []) }
                    }
                }
                #expect(errors?.code == .timedOut)
                #expect(errors?.outcome == .unknown)
                #expect(try await mapper.mapped() == [device])
                #expect(linux.scratch.kernelState.exports.count == 1, "no daemon is left that maps it later")
                #expect(try await bench.ceph.watchers(of: other.name, in: "rbd").isEmpty)
                try await mapper.unmap(device)
                for image in [mapped, other] { try await bench.ceph.removeImage(image.name, in: "rbd") }
            }
        }
    }

    /// A mapper whose own questions to Ceph are always answered, so that the daemon's start is what hangs.
    private func blind(_ bench: Bench) throws -> FuseMapper {
        let environment = bench.linux.environment
        return try FuseMapper(
            files: CephClientFiles(confPath: environment.cephConf, user: environment.cephUser),
            stateFolder: bench.linux.scratch.path, runner: bench.linux.runner, kernel: bench.linux.kernel
        ) { WatchedImage(id: "id of \($0.name)", watchers: []) }
    }
}

import CephStorage
import NodeStorage
import PortContracts
import RBDDriver
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import Provisioning

/// mkfs and the creation of the image go on side by side, and neither outlives the other.
@Suite("Image with a filesystem") struct ImageFormatterTests {
    /// What the tests need of Ceph and of this machine, and an image's name, free before and after.
    private struct Workshop {
        let ceph: CephFixture
        let bench: LinuxBench
        let images: CephImageStore
        let image: ImageReference

        static func with(_ body: (Workshop) async throws -> Void) async throws {
            try await CephFixture.with { ceph in
                try await LinuxBench.run("image") { bench in
                    let pool = ceph.environment.pool
                    let image = ImageReference(pool: pool, name: uniqueName("format"))
                    let images = CephImageStore(connection: ceph.connection, clock: SystemClock())
                    let workshop = Workshop(ceph: ceph, bench: bench, images: images, image: image)
                    do {
                        try await body(workshop)
                    } catch {
                        try? await ceph.rig.removeImage(image.name, in: pool)
                        throw error
                    }
                    try await ceph.rig.removeImage(image.name, in: pool)
                }
            }
        }

        var spec: VolumeSpec { VolumeSpec(pool: image.pool, size: .mebibytes(64)) }

        func formatter(
            _ runner: (any CommandRunner)? = nil, fallback: any VolumeFormatter = NoFallback()
        ) -> ImageFormatter {
            ImageFormatter(
                images: images,
                maker: SparseImageFormatter(
                    runner: runner ?? bench.runner, kernel: bench.kernel, stateFolder: bench.scratch.path,
                    timeout: .seconds(120)),
                fallback: fallback)
        }

        var scratchFiles: Set<String> { get throws { try bench.entries(bench.scratch.path + "/format") } }
    }

    @Test("While mkfs works, the image comes to be, bears its uid, and is blank")
    func sideBySide() async throws {
        try await Workshop.with { shop in
            let mkfs = try await SlowMkfs.make(shop.bench)
            let formatter = shop.formatter(mkfs.runner)
            async let id = formatter.createFormatted(shop.image, spec: shop.spec, uid: "u1")
            try await eventually("the image to bear its uid") {
                try await shop.images.inspect(shop.image)?.uid == "u1"
            }
            try await mkfs.started()
            #expect(try await mkfs.isRunning)
            try await shop.ceph.images.withImage(.name(shop.image.name), .readOnly) { opened in
                let head = try await opened.read(at: 0, count: 1 << 20)
                #expect(head.allSatisfy { $0 == 0 })
            }
            try await mkfs.letGo()
            let made = try await id
            #expect(try await shop.images.inspect(shop.image)?.id == made)
            #expect(try shop.scratchFiles == [])
        }
    }

    @Test(
        "The error of a failing mkfs has its own words, and it leaves no file, no child process and no open image"
    )
    func mkfsFails() async throws {
        try await Workshop.with { shop in
            var spec = shop.spec
            spec.mkfsOptions = ["-O", "no_such_feature"]
            let error = await errorOf {
                _ = try await shop.formatter().createFormatted(shop.image, spec: spec, uid: "u1")
            }
            #expect(error?.code == .invalidOption)
            #expect(error?.why.contains("no_such_feature") == true)
            #expect(try shop.scratchFiles == [])
            try await shop.images.remove(shop.image, id: nil)
            #expect(try await shop.images.inspect(shop.image) == nil)
        }
    }

    @Test("An image that cannot be created ends the mkfs that has begun, and leaves no file and no child")
    func creationFails() async throws {
        try await Workshop.with { shop in
            let id = try await shop.images.create(shop.image, spec: shop.spec, uid: "first")
            let mkfs = try await SlowMkfs.make(shop.bench)
            let error = await errorOf {
                let formatter = shop.formatter(mkfs.runner)
                _ = try await formatter.createFormatted(shop.image, spec: shop.spec, uid: "u2")
            }
            #expect(error?.code == .alreadyExists)
            #expect(try shop.scratchFiles == [])
            #expect(try await mkfs.isRunning == false)
            let found = try await shop.images.inspect(shop.image)
            #expect(found?.id == id && found?.uid == "first")
        }
    }

    @Test("A call that is given up ends mkfs and lets go of the image")
    func cancelled() async throws {
        try await Workshop.with { shop in
            let mkfs = try await SlowMkfs.make(shop.bench)
            let formatter = shop.formatter(mkfs.runner)
            let call = Task { try await formatter.createFormatted(shop.image, spec: shop.spec, uid: "u1") }
            try await eventually("the image to bear its uid") {
                try await shop.images.inspect(shop.image)?.uid == "u1"
            }
            try await mkfs.started()
            call.cancel()
            await #expect(throws: (any Error).self) { try await call.value }
            #expect(try await mkfs.isRunning == false)
            #expect(try shop.scratchFiles == [])
            try await shop.ceph.rig.removeImage(shop.image.name, in: shop.image.pool)
        }
    }

    @Test("An image with anything where superblocks are is not written to", arguments: [0, 32, 63])
    func notBlank(mebibyte: UInt64) async throws {
        try await Workshop.with { shop in
            let mark = [UInt8](repeating: 0xa5, count: 512)
            let place = mebibyte << 20 + 4096
            let maker = SparseImageFormatter(
                runner: shop.bench.runner, kernel: shop.bench.kernel, stateFolder: shop.bench.scratch.path)
            let error = await errorOf {
                try await maker.withFilesystem(size: shop.spec.size, spec: shop.spec) { filesystem in
                    _ = try await shop.images.create(shop.image, spec: shop.spec, uid: "u1") { opened in
                        try await opened.write(mark, at: place)
                        try await shop.formatter().fill(opened, of: shop.spec.size, with: filesystem)
                    }
                }
            }
            #expect(error?.code == .damaged)
            #expect(error?.outcome == .refused)
            try await shop.ceph.images.withImage(.name(shop.image.name), .readOnly) { opened in
                let bytes = try await opened.read(at: 0, count: 64 << 20)
                let start = Int(place)
                #expect(Array(bytes[start..<start + 512]) == mark)
                #expect(bytes.count { $0 != 0 } == 512)
            }
        }
    }

    @Test(
        "D3: an image of the largest size that a filesystem can have, or of 100T, gets its filesystem",
        arguments: FilesystemType.allCases)
    func d3Large(_ type: FilesystemType) async throws {
        try await Workshop.with { shop in
            var spec = shop.spec
            spec.size = min(type.facts.maximumSize, .gibibytes(100 << 10))
            // Few objects, so that removing it again does not take the test minutes.
            spec.order = 25
            spec.filesystem = type
            _ = try await shop.formatter().createFormatted(shop.image, spec: spec, uid: "u1")
            #expect(try await shop.images.filesystems(on: shop.image) == [type])
            #expect(try await shop.images.inspect(shop.image)?.size == spec.size)
            #expect(try shop.scratchFiles == [])
        }
    }

    @Test("What no sparse file can be as large as is left to the fallback, before anything exists")
    func tooLarge() async throws {
        try await Workshop.with { shop in
            var spec = shop.spec
            spec.size = VolumeSize(bytes: UInt64.max)
            let fallback = NotingFallback()
            let id = try await shop.formatter(fallback: fallback)
                .createFormatted(shop.image, spec: spec, uid: "u1")
            #expect(id == "its id")
            #expect(fallback.uids.withLock { $0 } == ["u1"])
            #expect(try await shop.images.inspect(shop.image) == nil)
            #expect(try shop.scratchFiles == [])
        }
    }
}

private struct NoFallback: VolumeFormatter {
    func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        throw RigFailure("the fallback was asked")
    }

    func createClone(
        _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
    ) async throws -> String {
        throw RigFailure("the fallback was asked for a clone")
    }
}

private final class NotingFallback: VolumeFormatter {
    let uids = Mutex<[String]>([])

    func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        uids.withLock { $0.append(uid) }
        return "its id"
    }

    func createClone(
        _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
    ) async throws -> String {
        uids.withLock { $0.append(uid) }
        return "its id"
    }
}

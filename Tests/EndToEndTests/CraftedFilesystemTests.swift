import FoundationEssentials
import Rig
import SystemPackage
import Testing

/// A container has written over its volume's filesystem, or a disk has. This machine's own kernel mounts what is made here,
/// so it is harmless: what no tool and no kernel takes for sound, or what e2fsck mends. What may do a kernel harm is given to
/// that of a virtual machine (`VirtualMachineTests`).
@Suite("Crafted filesystems")
struct CraftedFilesystemTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let filesystem: String
        let size: String
        /// What is written, given the filesystem as it was made.
        let scribbles: @Sendable (ImageContent) -> Scribbles
        /// Whether it is mounted all the same.
        let isMounted: Bool
    }

    private static func zeros(_ count: Int, at offset: UInt64) -> @Sendable (ImageContent) -> Scribbles {
        { _ in Scribbles([(offset, [UInt8](repeating: 0, count: count))]) }
    }

    static let damages: [Damage] = [
        Damage(
            testDescription: "an ext4 without its superblock", filesystem: "ext4", size: "32",
            scribbles: zeros(1024, at: 1024), isMounted: false),
        Damage(
            testDescription: "an xfs without its superblock", filesystem: "xfs", size: "300",
            scribbles: zeros(512, at: 0), isMounted: false),
        Damage(
            testDescription: "a btrfs without its superblock", filesystem: "btrfs", size: "256",
            scribbles: zeros(4096, at: 64 << 10), isMounted: false),
        Damage(
            testDescription: "an ext4 whose superblock says another size of blocks", filesystem: "ext4", size: "32",
            scribbles: { _ in Scribbles([(1024 + 0x18, [0xff, 0xff, 0xff, 0x7f])]) }, isMounted: false),
        Damage(
            testDescription: "an ext4 with a torn copy of its superblock", filesystem: "ext4", size: "32",
            scribbles: { _ in Scribbles([(8193 * 1024, [UInt8](repeating: 0xa5, count: 512))]) }, isMounted: true),
        Damage(
            testDescription: "an ext4 whose journal holds what nobody wrote, and need not be replayed",
            filesystem: "ext4",
            size: "32",
            scribbles: { image in Scribbles([(image.journal + 1024, [UInt8](repeating: 0x5a, count: 4096))]) },
            isMounted: true),
    ]

    @Test(
        "Proof: a harmed filesystem takes neither the plugin nor another volume along, and can be removed",
        arguments: damages)
    func proofHarmedFilesystem(_ damage: Damage) async throws {
        try await Stage.with { stage in
            let pid = try #require(stage.plugin.pid)
            try await BusyVolume.with(on: stage) {
                let (client, name) = (
                    stage.client, try await stage.volume("crafted", ["fstype": damage.filesystem, "size": damage.size])
                )
                try await stage.scribble(damage.scribbles, on: name)
                let answer = try await client.mount(name, id: "a")
                #expect(answer.succeeded == damage.isMounted, "\(answer.error)")
                if answer.succeeded {
                    try write("still works", to: answer.mountpoint + "/file")
                    try await client.unmount(name, id: "a").checked()
                } else {
                    #expect(answer.error.contains(damage.filesystem), "\(answer.error)")
                    #expect(answer.error.contains("by hand"), "it says what to do: \(answer.error)")
                    // Docker sends none after a Mount that failed; people do.
                    try await client.unmount(name, id: "a").checked()
                }
                try await client.remove(name).checked()
            }
            #expect(stage.plugin.pid == pid, "the same process")
            try await stage.expectBlank()
        }
    }
}

extension ImageContent {
    /// Where the journal begins: its superblock says so (jbd2's magic, block type 4).
    fileprivate var journal: UInt64 {
        usedBlocks.flatMap { block in [0, 1024, 2048, 3072].map { block + $0 } }
            .first { bytes(at: $0, 8) == [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 4] } ?? 0
    }
}

extension Stage {
    /// Writes over a volume's image that nobody has mapped.
    fileprivate func scribble(_ make: (ImageContent) -> Scribbles, on volume: String) async throws {
        let file = "\(plugin.scratch.path)/\(uniqueName("image"))"
        try await ceph.rbd("export", "--no-progress", image(volume), file)
        let content = ImageContent(try read(file))
        try write(make(content).diff(size: content.size), to: file)
        try await ceph.rbd("import-diff", "--no-progress", file, image(volume))
        try FileManager.default.removeItem(atPath: file)
    }
}

/// A volume that is read and written all the while.
private enum BusyVolume {
    static func with(on stage: Stage, _ body: () async throws -> Void) async throws {
        let name = try await stage.volume("beside")
        let mountpoint = try await stage.client.mount(name, id: "beside").checked().mountpoint
        let use = Task.detached { try await Self.use(mountpoint + "/file") }
        do {
            try await body()
        } catch {
            use.cancel()
            _ = try? await use.value
            throw error
        }
        use.cancel()
        #expect(try await use.value > 0, "it was used")
        #expect(try await stage.client.path(name).checked().mountpoint == mountpoint)
        try await stage.client.unmount(name, id: "beside").checked()
        try await stage.client.remove(name).checked()
    }

    /// Writes a line with fsync, and reads it again, until it is told to end.
    /// - Returns: how often.
    private static func use(_ path: String) async throws -> Int {
        let file = try FileDescriptor.open(
            FilePath(path), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        defer { try? file.close() }
        var count = 0
        repeat {
            let line = Array("line \(count)\n".utf8)
            _ = try file.writeAll(toAbsoluteOffset: 0, line)
            try synchronize(file)
            guard try read(path).starts(with: line) else { throw RigFailure("\(path) does not hold what was written") }
            count += 1
            try? await Task.sleep(for: .milliseconds(20))
        } while !Task.isCancelled
        return count
    }
}

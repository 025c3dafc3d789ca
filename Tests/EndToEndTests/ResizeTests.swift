import Glibc
import Rig
import Testing

/// `rbd-plugin volume resize`, with the mapper of this machine. With the kernel's driver it is among the tests in virtual
/// machines, which may also grow an ext4 that is mounted.
@Suite("Volumes become larger")
struct ResizeTests {
    @Test(
        "A mounted volume grows under a container that writes, image and filesystem, and its services still find it",
        arguments: [("xfs", "300M", "600M", 510), ("btrfs", "256M", "512M", 450)])
    func mounted(_ filesystem: String, _ before: String, _ after: String, _ least: UInt64) async throws {
        try await Stage.with { stage in
            let options = ["fstype": filesystem, "size": before]
            let name = try await stage.volume("grows", options)
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            let file = try MountedFile(mountpoint + "/log")
            for _ in 1...100 { try file.append() }
            let said = try await stage.operate("volume", "resize", name, after).checked().output
            #expect(
                said.contains("will grow it to \(after)") && said.contains("Volume \(name) has \(after) now."),
                "\(said)")
            for _ in 1...100 { try file.append() }
            #expect(try file.lines() == 200)
            let now = try mebibytes(at: mountpoint)
            #expect(now >= least, "\(now)")
            #expect(try await stage.size(of: name) == after)
            let record = try #require(try await stage.record(of: name))
            #expect(record["spec"]?["size"] == .integer(least > 500 ? 600 << 20 : 512 << 20))
            #expect(try await stage.etcd.keys(stage.prefix + "desired/").isEmpty)

            // A service that is started elsewhere asks for what it has always asked for.
            try await stage.client.create(name, options: stage.options(options)).checked()
            let larger = try await stage.client.create(name, options: stage.options(["size": "2G"]))
            #expect(larger.error.contains("'rbd-plugin volume resize \(name) SIZE' makes it larger"), "\(larger.error)")
            #expect(try await stage.operate("volume", "resize", name, after).checked().output.contains("already has"))

            file.close()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.expectSoundFilesystem(name, after: "a resize")
            let again = try await stage.client.mount(name, id: "b").checked().mountpoint
            #expect(try text(of: again + "/log").count { $0 == "\n" } == 200)
            try await stage.client.unmount(name, id: "b").checked()
        }
    }

    @Test("A volume that no node has mounted grows with its next mount, on whichever node that is")
    func mountedLater() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("later", ["fstype": "xfs", "size": "300"])
            let said = try await stage.operate("volume", "resize", name, "500M").checked().output
            #expect(said.contains("No node has volume \(name) mounted"), "\(said)")
            #expect(try await stage.size(of: name) == "300M")
            try await stage.withAnotherNode { _, client in
                let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
                try await eventually("the volume to grow") { try mebibytes(at: mountpoint) >= 400 }
                try await eventually("the record to say so") {
                    try await stage.etcd.keys(stage.prefix + "desired/").isEmpty
                }
                #expect(try await stage.size(of: name) == "500M")
                try await client.unmount(name, id: "a").checked()
            }
        }
    }

    @Test("An image that 'rbd resize' has made larger is filled: at the next mount, or when it is asked for")
    func grownByHand() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("by-hand", ["fstype": "xfs", "size": "300"])
            _ = try await stage.ceph.rbd("resize", "--size", "400M", stage.image(name))
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try await eventually("the filesystem to fill the image") { try mebibytes(at: mountpoint) >= 320 }
            try await eventually("the record to say so") { try await stage.size(of: name) == "400M" }

            _ = try await stage.ceph.rbd("resize", "--size", "500M", stage.image(name))
            let said = try await stage.operate("volume", "resize", name, "--to-image").checked().output
            #expect(said.contains("Volume \(name) has 500M now."), "\(said)")
            #expect(try mebibytes(at: mountpoint) >= 420)
            for (arguments, says) in [(["--to-image", "1G"], "give either"), ([], "or --to-image")] {
                let result = try await stage.operate(["volume", "resize", name] + arguments)
                #expect(result.status != 0 && result.error.contains(says), "\(arguments): \(result)")
            }
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("What cannot be is refused in a sentence, and nothing is wanted then")
    func refusals() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("stays", ["fstype": "xfs", "size": "400"])
            for (arguments, says) in [
                ([name, "300M"], "volumes never shrink"), ([name, "0"], "'0' is not a size"),
                ([name, "-5G"], ""), ([name, "lots"], "'lots' is not a size"), ([name, "8P"], "'8P' is not a size"),
                ([name, "1T"], "the pool can hold"), (["nobody", "1G"], "there is no such volume"),
                (["../etc", "1G"], "volume name"), ([name], "give a size such as 40G"),
            ] {
                let result = try await stage.operate(["volume", "resize"] + arguments)
                #expect(result.status != 0 && result.error.contains(says), "\(arguments): \(result)")
            }
            #expect(try await stage.etcd.keys(stage.prefix + "desired/").isEmpty)
            #expect(try await stage.size(of: name) == "400M")
        }
    }

    @Test("What cannot be done is said, the volume stays usable, and goes with what was wanted of it")
    func cannotBeDone() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("stuck", ["fstype": "xfs", "size": "300"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            // Nobody is there who could.
            try await stage.plugin.kill()
            let result = try await stage.operate(["volume", "resize", name, "500M", "--timeout", "2"])
            #expect(result.status == 1 && result.error.contains("did not grow to 500M within 2 s"), "\(result)")
            let shown = try JSONValue(parsing: try await stage.operate("volume", "inspect", name).checked().output)
            #expect(shown["desired"]?["size"] == .integer(500 << 20))
            try await stage.plugin.start()
            // It is up to whoever has the volume, and that is this node again.
            try await eventually("the restarted plugin to grow it") { try mebibytes(at: mountpoint) >= 400 }
            _ = try await stage.operate("volume", "resize", name, "600M", "--no-wait").checked()
            try await eventually("it to grow once more") { try await stage.size(of: name) == "600M" }
            try await stage.client.unmount(name, id: "a").checked()
            _ = try await stage.operate("volume", "resize", name, "700M", "--no-wait").checked()
            try await stage.client.remove(name).checked()
            #expect(try await stage.etcd.keys(stage.prefix + "desired/").isEmpty)
        }
    }
}

/// A file that a container keeps open.
private final class MountedFile {
    private let path: String
    private let descriptor: CInt

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RigFailure("cannot open \(path)") }
    }

    func append() throws {
        guard write(descriptor, "line\n", 5) == 5, fsync(descriptor) == 0 else {
            throw RigFailure("cannot write to \(path)")
        }
    }

    func lines() throws -> Int { try text(of: path).count { $0 == "\n" } }

    func close() { Glibc.close(descriptor) }
}

/// The size of the filesystem that is mounted there, without what it needs for itself.
private func mebibytes(at mountpoint: String) throws -> UInt64 {
    var found = statvfs()
    guard statvfs(mountpoint, &found) == 0 else { throw RigFailure("cannot look at \(mountpoint)") }
    return (UInt64(found.f_blocks) * UInt64(found.f_frsize)) >> 20
}

extension Stage {
    /// The size of the volume's image, as Ceph says it.
    fileprivate func size(of volume: String) async throws -> String {
        guard case .integer(let bytes) = try await imageInfo(of: volume)["size"] else {
            throw RigFailure("no size of \(volume)")
        }
        return "\(UInt64(bytes) >> 20)M"
    }
}

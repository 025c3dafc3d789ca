import FoundationEssentials
import Rig
import Testing

/// Filesystems that no kernel has made are given to the kernel of a virtual machine, where it may come to harm: `make soak` runs
/// these. CRAFTED_SEEDS says how many of each kind (100), CRAFTED_FIRST with which to begin (1).
@Suite("Crafted filesystems, at length", .serialized)
struct CraftedFilesystemSoakTests {
    private static func number(_ name: String, _ standard: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } ?? standard
    }

    @Test(
        "Proof: scribbles over a filesystem take neither the plugin nor another volume along, and strand no volume",
        arguments: [("ext4", "64"), ("xfs", "300"), ("btrfs", "256")])
    func proofScribbledFilesystems(filesystem: String, size: String) async throws {
        let hosts = try await Hosts.ready()
        let bench = try await ScribbleBench(filesystem, size, on: hosts)
        let first = Self.number("CRAFTED_FIRST", 1)
        var mounted = 0
        let count = Self.number("CRAFTED_SEEDS", 100)
        for seed in first..<first + count {
            do {
                if try await bench.try(seed) { mounted += 1 }
            } catch {
                Issue.record("\(filesystem), seed \(seed): \(error)")
            }
        }
        print("\(filesystem): of \(count) filesystems \(mounted) were mounted")
        if count >= 20 { #expect(mounted > 0 && mounted < count, "all the same: nothing was tried") }
        try await bench.end()
    }
}

/// A host with one volume in use, and another one that is made, scribbled over, mounted and removed.
private struct ScribbleBench {
    let filesystem: String
    let size: String
    let hosts: Hosts
    let beside: Volume
    let mountpoint: String
    let plugin: String

    private var host: Host { hosts.a }

    init(_ filesystem: String, _ size: String, on hosts: Hosts) async throws {
        self.filesystem = filesystem
        self.size = size
        self.hosts = hosts
        beside = try await Volume("beside", on: hosts)
        mountpoint = try await beside.taken(by: hosts.a, id: "beside").mountpoint
        plugin = try await hosts.a.run("pidof rbd-plugin")
    }

    /// - Returns: whether it was mounted.
    /// - Throws: ``RigFailure`` for anything that it takes along.
    func `try`(_ seed: UInt64) async throws -> Bool {
        let start = ContinuousClock.now
        let volume = try await Volume("crafted", on: hosts, ["fstype": filesystem, "size": size])
        try await scribble(seed, volume.name)
        let answer = try await host.client.mount(volume.name, id: "a")
        if answer.succeeded {
            // What it says is of no concern: that it ends, is.
            try await host.run(
                "cd '\(answer.mountpoint)' && { ls -lR . | tail -n 1; echo x >new; cat new; rm new; sync; }; true",
                within: .seconds(120))
        } else if !answer.error.contains(filesystem) {
            throw RigFailure("the error does not say what is wrong: \(answer.error)")
        }
        let said = answer.succeeded ? "mounted" : answer.error
        print("\(filesystem), seed \(seed), \(ContinuousClock.now - start): \(said)")
        try await host.client.unmount(volume.name, id: "a").checked()
        try await volume.remove()
        try await expectNothingElseHappened(seed)
        return answer.succeeded
    }

    private func expectNothingElseHappened(_ seed: UInt64) async throws {
        let said = try await host.run("echo \(seed) >\(mountpoint)/seed && sync && cat \(mountpoint)/seed")
        guard said == "\(seed)" else { throw RigFailure("the volume beside it holds '\(said)'") }
        let running = try await host.run("pidof rbd-plugin")
        guard running == plugin else { throw RigFailure("the plugin was \(plugin) and is \(running)") }
        let mapped = try await host.mappedImages()
        guard mapped == [beside.name] else { throw RigFailure("\(mapped) are mapped") }
    }

    func end() async throws {
        try await host.client.unmount(beside.name, id: "beside").checked()
        try await beside.remove()
    }

    private func scribble(_ seed: UInt64, _ volume: String) async throws {
        let conf = hosts.environment.adminConf
        let (file, image) = ("\(hosts.environment.scratch)/\(volume)", "\(hosts.environment.pool)/\(volume)")
        try await hosts.inNetwork("rbd", "--conf", conf, "export", "--no-progress", image, file)
        let content = ImageContent(Array(try Data(contentsOf: URL(filePath: file))))
        let scribbles = Scribbles(seed: seed, filesystem, over: content)
        try Data(scribbles.diff(size: content.size)).write(to: URL(filePath: file))
        try await hosts.inNetwork("rbd", "--conf", conf, "import-diff", "--no-progress", file, image)
        try FileManager.default.removeItem(atPath: file)
    }
}

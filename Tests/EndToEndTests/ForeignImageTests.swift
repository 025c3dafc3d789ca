import FoundationEssentials
import Rig
import Testing

/// Images that are not the plugin's, and clients that are not.
@Suite("Foreign images")
struct ForeignImageTests {
    @Test("An image of the same name is never touched: Create says whose it is and how to take it")
    func neverTouched() async throws {
        try await Stage.with { stage in
            let name = uniqueName("foreign")
            let bytes = randomBytes(8 << 20)
            try await Self.importImage(bytes, as: name, on: stage)
            let before = try await stage.surroundings()
            let created = try await stage.client.create(name, options: stage.options(["size": "8"]))
            #expect(created.error.contains("adopt"), "\(created.error)")
            #expect(
                try await !stage.client.create(name, options: stage.options(["size": "8"])).succeeded, "asked again")
            #expect(try await !stage.client.mount(name, id: "a").succeeded)
            #expect(try await !stage.client.remove(name).succeeded)
            try await stage.expectUnchanged(since: before, after: "calls for a foreign image")
            #expect(try await Self.exportImage(name, on: stage) == bytes)
            let meta = try await stage.ceph.rbd("image-meta", "list", stage.image(name))
            #expect(!meta.contains("rbd-plugin"))
        }
    }

    @Test("An attempt's name that leads to the volume's image goes, and the image stays", arguments: ["", ".removed"])
    func secondName(suffix: String) async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("twice")
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            try await stage.client.unmount(name, id: "a").checked()

            // What a rename leaves that is killed between its steps, and a record that still has the attempt on its list.
            let record = try #require(try await stage.record(of: name))
            let second = "rbd-plugin.creating.\(record["uid"]?.string ?? "").token\(suffix)"
            let place = ["--pool", stage.pool, "--namespace", stage.namespace]
            let copy = stage.plugin.scratch.path + "/id"
            try await stage.ceph.run("rados", place + ["get", "rbd_id.\(name)", copy]).checked()
            try await stage.ceph.run("rados", place + ["put", "rbd_id.\(second)", copy]).checked()
            let key = "\(stage.prefix)volumes/\(name)"
            let stored = try #require(try await stage.etcd.value(of: key))
            try await stage.etcd.put(key, stored.replacing(#""abandoned":[]"#, with: #""abandoned":["token"]"#))

            try await eventually("the attempt to be taken off the list") {
                try await stage.record(of: name)?["abandoned"]?.array.isEmpty == true
            }
            try await stage.client.mount(name, id: "b").checked()
            #expect(try text(of: mountpoint + "/file") == "kept")
            try await stage.client.unmount(name, id: "b").checked()
            let objects = try await stage.ceph.run("rados", place + ["ls"]).checked().output
            #expect(objects.contains("rbd_id.\(name)\n") && !objects.contains(second))
            try await stage.client.remove(name).checked()
        }
    }

    @Test(
        "E8: a foreign image is adopted with what is on it when that is asked for, and stays when the volume is removed"
    )
    func e8Adopted() async throws {
        try await Stage.with(settings: Self.allowed) { stage in
            let (client, name) = (stage.client, uniqueName("adopted"))
            try await Self.importImage(try await Self.ext4(holding: "from before", on: stage), as: name, on: stage)
            try await stage.ceph.rbd("snap", "create", "--no-progress", stage.image(name) + "@before")
            let info = try await stage.ceph.rbd("info", "--format", "json", stage.image(name))
            try await client.create(name, options: Self.adopt(on: stage)).checked()
            #expect(try await client.get(name).checked().volume?.status["adopted"] == true)
            #expect(try await client.get(name).checked().volume?.status["sizeBytes"] == .integer(16 << 20))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            #expect(try text(of: mountpoint + "/file") == "from before")
            try await client.unmount(name, id: "a").checked()
            try await client.create(name, options: Self.adopt(on: stage)).checked()

            try await client.remove(name).checked()
            #expect(try await stage.record(of: name) == nil)
            #expect(try await client.get(name).error.contains("no such volume"))
            let after = try await stage.ceph.rbd("info", "--format", "json", stage.image(name))
            #expect(try JSONValue(parsing: after)["id"] == JSONValue(parsing: info)["id"])

            // As long as anybody wants; and it goes when that is said.
            try await stage.ceph.rbd("snap", "purge", "--no-progress", stage.image(name))
            try await client.create(name, options: Self.adopt(on: stage, "own")).checked()
            try await client.mount(name, id: "b").checked()
            #expect(try text(of: mountpoint + "/file") == "from before")
            try await client.unmount(name, id: "b").checked()
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("E8: unless a setting allows it, no image is adopted, and the error names the setting")
    func e8NotAllowed() async throws {
        try await Stage.with { stage in
            let name = uniqueName("disk")
            try await Self.importImage(try await Self.ext4(holding: "kept", on: stage), as: name, on: stage)
            let before = try await stage.surroundings()
            for value in ["true", "own"] {
                let answer = try await stage.client.create(name, options: Self.adopt(on: stage, value))
                #expect(answer.error.contains("RBD_ALLOW_ADOPT"), "\(answer.error)")
            }
            try await stage.expectUnchanged(since: before, after: "adoptions that are not allowed")
        }
    }

    @Test("E8: a pool that the setting does not name is neither created in nor adopted from")
    func e8Pools() async throws {
        let rig = try RigEnvironment.required()
        let settings = Self.allowed.merging(["RBD_ALLOWED_POOLS": "\(rig.pool),\(rig.dataPool)"]) { $1 }
        try await Stage.with(rig, settings: settings) { stage in
            for more in [[:], ["data-pool": rig.otherPool, "pool": rig.pool], ["adopt": "true"]] {
                let options = ["pool": rig.otherPool, "size": "32"].merging(more) { $1 }
                let answer = try await stage.client.create(uniqueName("elsewhere"), options: options)
                #expect(answer.error.contains("'\(rig.otherPool)'"), "\(answer.error)")
                #expect(answer.error.contains("RBD_ALLOWED_POOLS"), "\(answer.error)")
            }
            try await stage.expectBlank("Creates in pools that are not allowed")
            let name = try await stage.volume("here", ["data-pool": rig.dataPool])
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("D11: an image without a filesystem, or with another one, is refused at Create and stays as it is")
    func d11AdoptedWithoutItsFilesystem() async throws {
        try await Stage.with(settings: Self.allowed) { stage in
            let (client, name) = (stage.client, uniqueName("blank"))
            let bytes = randomBytes(16 << 20)
            try await Self.importImage(bytes, as: name, on: stage)
            let other = uniqueName("other")
            try await Self.importImage(try await Self.ext4(holding: "kept", on: stage), as: other, on: stage)
            let before = try await stage.surroundings()
            let refused = try await client.create(name, options: Self.adopt(on: stage))
            #expect(refused.error.contains("no filesystem"), "\(refused.error)")
            let options = Self.adopt(on: stage).merging(["fstype": "xfs"]) { $1 }
            let contradicted = try await client.create(other, options: options)
            #expect(contradicted.error.contains("ext4") && contradicted.error.contains("xfs"), "\(contradicted.error)")
            try await stage.expectUnchanged(since: before, after: "adoptions that were refused")
            #expect(try await Self.exportImage(name, on: stage) == bytes)
        }
    }

    @Test("D4: adopt with a name that no image has makes no empty volume")
    func d4AdoptNothing() async throws {
        try await Stage.with(settings: Self.allowed) { stage in
            let name = uniqueName("slip")
            let answer = try await stage.client.create(name, options: Self.adopt(on: stage))
            #expect(answer.error.contains(name) && answer.error.contains("no such image"), "\(answer.error)")
            try await stage.expectBlank("an adoption of nothing")
        }
    }

    @Test("An image that somebody has open is neither adopted nor mounted nor removed, and its user is named")
    func watched() async throws {
        try await Stage.with(settings: Self.allowed) { stage in
            let (client, name) = (stage.client, try await stage.volume("watched"))
            let foreign = uniqueName("watched-foreign")
            try await stage.ceph.rbd("create", "--size", "16M", stage.image(foreign))
            let before = try await stage.surroundings(records: .byKey)
            try await Self.watching([name, foreign], on: stage) { watchers in
                let mounted = try await client.mount(name, id: "a")
                #expect(watchers.contains { mounted.error.contains($0) }, "\(mounted.error)")
                let removed = try await client.remove(name)
                #expect(watchers.contains { removed.error.contains($0) }, "\(removed.error)")
                let adopted = try await client.create(foreign, options: Self.adopt(on: stage))
                #expect(watchers.contains { adopted.error.contains($0) }, "\(adopted.error)")
                try await stage.expectUnchanged(since: before, records: .byKey, after: "calls for an image in use")
            }
            try await client.mount(name, id: "a").checked()
        }
    }

    @Test("An image that was put in the place of the volume's own is not mounted, and not removed")
    func replaced() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("replaced"))
            try await stage.ceph.rbd("rename", stage.image(name), stage.image(name + "-hidden"))
            try await stage.ceph.rbd("create", "--size", "32M", stage.image(name))
            let before = try await stage.surroundings(records: .byKey)
            let answer = try await client.mount(name, id: "a")
            #expect(answer.error.contains("not the one"), "\(answer.error)")
            try await stage.expectUnchanged(since: before, records: .byKey, after: "a Mount of another image")
            try await client.remove(name).checked()
            let left = try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)")
            #expect(left == [name, name + "-hidden"].sorted())
        }
    }

    @Test("A volume whose image was deleted by hand says so when mounted, and can be removed")
    func deleted() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("deleted"))
            try await stage.ceph.rbd("rm", "--no-progress", stage.image(name))
            let mounted = try await client.mount(name, id: "a")
            #expect(mounted.error.contains("does not exist"), "\(mounted.error)")
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    private static let allowed: [String: String?] = ["RBD_ALLOW_ADOPT": "true"]

    private static func adopt(on stage: Stage, _ how: String = "true") -> [String: String] {
        ["pool": stage.pool, "namespace": stage.namespace, "fstype": "ext4", "adopt": how]
    }

    private static func importImage(_ bytes: [UInt8], as name: String, on stage: Stage) async throws {
        let file = "\(stage.plugin.scratch.path)/\(name).import"
        try write(bytes, to: file)
        try await stage.ceph.rbd("import", "--no-progress", file, stage.image(name))
    }

    private static func exportImage(_ name: String, on stage: Stage) async throws -> [UInt8] {
        let file = "\(stage.plugin.scratch.path)/\(uniqueName("export"))"
        try await stage.ceph.rbd("export", "--no-progress", stage.image(name), file)
        return try read(file)
    }

    /// 16 MiB with one file on them.
    private static func ext4(holding text: String, on stage: Stage) async throws -> [UInt8] {
        let folder = "\(stage.plugin.scratch.path)/\(uniqueName("tree"))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try write(text, to: folder + "/file")
        try await runTool("mkfs.ext4", ["-q", "-d", folder, folder + ".img", "16M"]).checked()
        return try read(folder + ".img")
    }

    /// Runs the body while `rbd watch` has the images open, as a mapping made by hand would.
    private static func watching(
        _ images: [String], on stage: Stage, _ body: ([String]) async throws -> Void
    ) async throws {
        // It ends with its input: a pipe whose other end it holds itself never does.
        let script = "mkfifo $1.input && exec rbd --conf $2 watch $3 <>$1.input"
        let watchers = try images.map { image in
            let file = "\(stage.plugin.scratch.path)/\(image)"
            return try SpawnedProcess(
                "/bin/sh", ["-c", script, "sh", file, stage.environment.adminConf, stage.image(image)],
                environment: ["PATH": "/usr/bin:/bin"], log: file + ".log")
        }
        let result: Result<Void, any Error>
        do {
            var addresses: [String] = []
            for image in images {
                try await eventually("\(image) to be watched") {
                    let found = try await stage.ceph.watchers(of: "\(stage.namespace)/\(image)", in: stage.pool)
                    addresses += found
                    return !found.isEmpty
                }
            }
            try await body(addresses)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for (image, watcher) in zip(images, watchers) {
            // The end it asks for: after a signal it would count as a watcher for half a minute.
            try await runTool("sh", ["-c", "echo >$1", "sh", "\(stage.plugin.scratch.path)/\(image).input"]).checked()
            try await watcher.waitForEnd()
        }
        try result.get()
    }
}

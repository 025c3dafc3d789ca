import Rig
import Testing

/// What becomes of the images of removed volumes.
@Suite("Removal")
struct RemovalTests {
    @Test("B2: a volume with snapshots is refused removal by name, and stays usable; then it goes")
    func b2Snapshots() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("kept"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            try await client.unmount(name, id: "a").checked()
            try await stage.ceph.rbd("snap", "create", "--no-progress", stage.image(name) + "@nightly")

            let refused = try await client.remove(name)
            #expect(refused.error.contains("nightly") && refused.error.contains("rbd snap purge"), "\(refused.error)")
            #expect(try await stage.record(of: name)?["phase"] == "ready")

            // As a release left it that looked for snapshots too late.
            let key = "\(stage.prefix)volumes/\(name)"
            let stored = try #require(try await stage.etcd.value(of: key))
            try await stage.etcd.put(key, stored.replacing(#""phase":"ready""#, with: #""phase":"removing""#))
            #expect(try await stage.record(of: name)?["phase"] == "removing")
            let again = try await client.remove(name)
            #expect(again.error.contains("used as before"), "\(again.error)")
            try await client.mount(name, id: "b").checked()
            #expect(try text(of: mountpoint + "/file") == "kept")
            try await client.unmount(name, id: "b").checked()

            // A clone keeps its snapshot, also once that is removed.
            try await stage.ceph.rbd(
                "clone", "--rbd-default-clone-format", "2", stage.image(name) + "@nightly", stage.image("clone"))
            try await stage.ceph.rbd("snap", "rm", "--no-progress", stage.image(name) + "@nightly")
            let needed = try await client.remove(name).error
            #expect(needed.contains(stage.image("clone")) && needed.contains("rbd flatten"), "\(needed)")
            try await stage.ceph.rbd("rm", "--no-progress", stage.image("clone"))
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("B11: a removed volume's name is free at once, its data goes later, and what others put away stays")
    func b11Trash() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("db"))
            try await stage.ceph.rbd("create", "--size", "8M", stage.image("photos"))
            try await stage.ceph.rbd("trash", "mv", stage.image("photos"))
            for _ in 1...3 {
                try await client.remove(name).checked()
                try await client.create(name, options: stage.options()).checked()
            }
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("new", to: mountpoint + "/file")
            try await eventually("the data to be deleted", within: .seconds(60)) {
                let left = try await stage.trash()
                return left.count == 1 && left.first?.hasSuffix(" photos") == true
            }
            #expect(try text(of: mountpoint + "/file") == "new")
            try await client.unmount(name, id: "a").checked()
            try await client.remove(name).checked()

            let photos = try #require(
                try await stage.trash().first { $0.hasSuffix(" photos") }?.split(separator: " ").first)
            try await stage.ceph.rbd("trash", "rm", "--no-progress", stage.image(String(photos)))
            try await stage.expectBlank()
        }
    }

    @Test("B11: of two installations that share a pool, each empties its own trash")
    func b11TwoInstallations() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("db")
            let uid = try #require(try await stage.record(of: name)?["uid"]?.string)
            let home = try #require(uid.split(separator: "-").first)
            #expect(home.count == 12 && uid.count > 13, "\(uid)")
            // As the other one would have it: a removal was held up and given back, and the volume is still recorded there.
            let theirs = String(home.reversed()) + "x" + uid.dropFirst(home.count)
            let other = "rbd-plugin.removed.\(theirs).theirs"
            try await stage.ceph.rbd("create", "--size", "8M", stage.image(other))
            try await stage.ceph.rbd("image-meta", "set", stage.image(other), "rbd-plugin.uid", theirs)
            try await stage.ceph.rbd("trash", "mv", stage.image(other))
            for _ in 1...2 {
                try await stage.client.remove(name).checked()
                try await stage.client.create(name, options: stage.options()).checked()
            }
            try await eventually("our own trash to be empty", within: .seconds(60)) {
                try await stage.trash().allSatisfy { $0.hasSuffix(" \(other)") }
            }
            let left = try #require(try await stage.trash().first)
            let id = try #require(left.split(separator: " ").first)
            try await stage.ceph.rbd("trash", "rm", "--no-progress", stage.image(String(id)))
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("B11: what a killed plugin left in the trash is deleted by the next one")
    func b11NextRun() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("db")
            // As if it had been killed right after its answer.
            let record = try #require(try await stage.record(of: name))
            let removed = "rbd-plugin.removed.\(record["uid"]?.string ?? "").\(name)"
            try await stage.plugin.kill()
            try await stage.ceph.rbd("mv", stage.image(name), stage.image(removed))
            try await stage.ceph.rbd("trash", "mv", stage.image(removed))
            try await stage.etcd.delete(prefix: "\(stage.prefix)volumes/")
            try await stage.plugin.start()
            try await eventually("the data to be deleted", within: .seconds(60)) { try await stage.trash().isEmpty }
            try await stage.expectBlank()
        }
    }
}

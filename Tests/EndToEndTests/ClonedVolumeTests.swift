import Rig
import Testing

/// Volumes that are made out of others, on real Ceph.
@Suite("Clones")
struct ClonedVolumeTests {
    @Test(
        "A clone of a volume that another node writes to is a volume of its own, which can be mounted beside it",
        arguments: ["ext4", "xfs"])
    func ofNow(filesystem: String) async throws {
        try await Stage.with { stage in
            let size = filesystem == "ext4" ? "64" : "300"
            let name = try await stage.volume("parent", ["fstype": filesystem, "size": size])
            let copy = uniqueName("copy")
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("then", to: here + "/file")
            try await runTool("sync", ["--file-system", here + "/file"]).checked()
            try await stage.withAnotherNode { _, other in
                try await other.create(copy, options: ["from": name]).checked()
            }
            try write("now", to: here + "/file")
            let there = try await stage.client.mount(copy, id: "b").checked().mountpoint
            #expect(try text(of: there + "/file") == "then")
            #expect(try text(of: here + "/file") == "now")
            #expect(try await uuid(at: here) != uuid(at: there))

            let shown = try #require(try await stage.client.get(copy).checked().volume?.status)
            #expect(shown["clonedFrom"]?["volume"]?.string == name && shown["clonedFrom"]?["snapshot"] == nil)
            #expect(try await stage.ceph.rbd("snap", "ls", stage.image(name)) == "")

            for (volume, id) in [(name, "a"), (copy, "b")] {
                try await stage.client.unmount(volume, id: id).checked()
            }
            let refused = try await stage.client.remove(name).error
            #expect(refused.contains(stage.image(copy)), "\(refused)")
            if filesystem == "ext4" {
                try await stage.ceph.rbd("flatten", "--no-progress", stage.image(copy))
                try await stage.client.remove(name).checked()
                let alone = try await stage.client.mount(copy, id: "c").checked().mountpoint
                #expect(try text(of: alone + "/file") == "then")
                try await stage.client.unmount(copy, id: "c").checked()
                try await stage.client.remove(copy).checked()
            } else {
                try await stage.client.remove(copy).checked()
                try await eventually("the parent to be free", within: .seconds(60)) {
                    try await stage.client.remove(name).succeeded
                }
            }
            try await stage.expectBlank()
        }
    }

    private func uuid(at mountpoint: String) async throws -> String {
        let device = try await runTool("findmnt", ["-no", "SOURCE", mountpoint]).checked().output
        return try await runTool("blkid", ["-p", "-s", "UUID", "-o", "value", device.filter { !$0.isNewline }])
            .checked().output
    }

    @Test("A clone of a snapshot holds what was there then, and is as large as asked from its first mount on")
    func ofSnapshot() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("parent", ["fstype": "xfs", "size": "300"])
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("monday", to: here + "/file")
            try await stage.operate("snapshot", "create", name, "monday").checked()
            try write("tuesday", to: here + "/file")
            try await stage.client.unmount(name, id: "a").checked()

            let (old, options) = (uniqueName("old"), ["from": name, "from-snapshot": "monday", "size": "400"])
            try await stage.client.create(old, options: options).checked()
            try await stage.client.create(old, options: options).checked()
            let other = try await stage.client.create(old, options: ["from": name, "from-snapshot": "tuesday"])
            #expect(other.error.contains("from-snapshot=monday"), "\(other.error)")
            let listed = try await stage.operate("snapshot", "ls", name, "--json").checked().output
            #expect(try JSONValue(parsing: listed).array.map { $0["usedBy"] } == [.array([.string(stage.image(old))])])
            let there = try await stage.client.mount(old, id: "b").checked().mountpoint
            #expect(try text(of: there + "/file") == "monday")
            try await eventually("the clone to have grown") {
                try await stage.record(of: old)?["spec"]?["size"] == .integer(400 << 20)
            }
            let blocks = try await runTool("df", ["--output=size", "-BM", there]).checked().output
            #expect(try #require(Int(blocks.filter(\.isNumber))) > 300, "\(blocks)")

            try await eventually("inspect to show the snapshot and where the clone came from", within: .seconds(60)) {
                let parent = try await stage.client.get(name).checked().volume?.status
                let clone = try await stage.client.get(old).checked().volume?.status
                guard let shown = parent?["snapshots"]?.array, let none = clone?["snapshots"]?.array else {
                    return false
                }
                return none.isEmpty && shown.count == 1 && shown[0]["name"] == .string("monday")
                    && shown[0]["size"] == .string("300M") && shown[0]["kind"] == .string("manual")
                    && parent?["snapshotCount"] == .integer(1) && clone?["clonedFrom"]?["snapshot"] == .string("monday")
            }

            // The snapshot is no hindrance to the clone, nor the clone to the removal of the snapshot.
            try await stage.operate("snapshot", "rm", name, "monday").checked()
            #expect(try text(of: there + "/file") == "monday")
            try await stage.client.unmount(old, id: "b").checked()
            try await stage.client.remove(old).checked()
        }
    }

    @Test("What no clone can be is refused by name, and leaves nothing")
    func refused() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("parent", ["fstype": "ext4", "size": "64"])
            let before = try await stage.surroundings()
            for (options, words) in [
                (["from": "nobody"], "no volume nobody"), (["from": name, "from-snapshot": "s"], "no snapshot s"),
                (["from": name, "size": "32"], "size=32M"), (["from": name, "fstype": "xfs"], "fstype=xfs"),
                (["from": name, "mkfs-options": "-m 1"], "mkfs-options"), (["from-snapshot": "s"], "without from"),
            ] {
                let answer = try await stage.client.create(uniqueName("copy"), options: options)
                #expect(answer.error.contains(words), "\(answer.error)")
            }
            try await stage.expectUnchanged(since: before, after: "clones that were refused")
        }
    }
}

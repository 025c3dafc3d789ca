import Rig
import Testing

/// `on-remove` and `rbd-plugin trash …` on real Ceph and etcd.
@Suite("Removed volumes that are kept")
struct TrashCommandTests {
    private func trash(_ stage: Stage) async throws -> [JSONValue] {
        try JSONValue(parsing: try await stage.operate("trash", "ls", "--json").checked().output).array
    }

    @Test("A removed volume is listed, and comes back with its data, options, values and snapshots")
    func comesBack() async throws {
        try await Stage.with { stage in
            let client = stage.client
            let options = ["size": "64", "on-remove": "trash", "trash.keep": "2d", "discard": "daily", "mode": "0711"]
            let name = try await stage.volume("db", options)
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("first", to: mountpoint + "/file")
            try await client.unmount(name, id: "a").checked()
            try await stage.operate("snapshot", "create", name, "monday").checked()
            try await stage.operate("snapshot", "hold", name, "monday").checked()
            try await stage.ceph.rbd("snap", "create", "--no-progress", stage.image(name) + "@by-hand")
            try await stage.ceph.rbd("create", "--size", "8M", stage.image("photos"))
            try await stage.ceph.rbd("trash", "mv", stage.image("photos"))
            let before = try #require(try await stage.record(of: name))
            try await client.remove(name).checked()

            let listed = try await trash(stage)
            #expect(listed.count == 1 && listed.first?["name"] == .string(name))
            #expect(listed.first?["uid"] == before["uid"] && listed.first?["sizeBytes"] == .integer(64 << 20))
            let used = try #require(listed.first?["usedBytes"]?.integer)
            #expect(used > 0 && used < 64 << 20 && used % (4 << 20) == 0, "\(used)")
            #expect(listed.first?["removedBy"]?.string == stage.plugin.settings.node)
            #expect(try await stage.operate("trash", "ls").checked().output.contains(name))

            // A volume of that name is no conflict; to come back under it is.
            try await client.create(name, options: stage.options()).checked()
            let refused = try await stage.operate("trash", "restore", name)
            #expect(refused.status != 0 && refused.error.contains("--as"), "\(refused)")
            let back = name + "-back"
            let said = try await stage.operate("trash", "restore", name, "--as", back).checked().output
            #expect(said.contains(back), "\(said)")
            #expect(try await trash(stage) == [])

            let record = try #require(try await stage.record(of: back))
            for field in ["uid", "imageID", "spec", "options", "createdAt", "runtime", "epoch", "phase"] {
                #expect(record[field] == before[field], "\(field)")
            }
            let again = try await client.mount(back, id: "b").checked().mountpoint
            #expect(try text(of: again + "/file") == "first")
            try await client.unmount(back, id: "b").checked()
            let snapshots = try JSONValue(
                parsing: try await stage.operate("snapshot", "ls", back, "--json").checked().output
            ).array
            #expect(snapshots.map { $0["name"] } == [.string("monday"), .string("by-hand")])
            #expect(snapshots.first?["held"] == .bool(true))

            // What somebody has put away himself is nobody's to restore or delete.
            for verb in [["restore", "photos"], ["rm", "photos", "--yes"]] {
                #expect(try await stage.operate(["trash"] + verb).error.contains("keeps nothing"))
            }
            #expect(try await stage.trash().contains { $0.hasSuffix(" photos") })
        }
    }

    @Test("Deleting one early is asked for, takes held snapshots along, and leaves nothing")
    func deleted() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("db", ["on-remove": "trash"])
            try await stage.operate("snapshot", "create", name, "s").checked()
            try await stage.operate("snapshot", "hold", name, "s").checked()
            try await stage.client.remove(name).checked()
            for answer in Answer.noes {
                let said = try await stage.operate(["trash", "rm", name], answering: answer)
                #expect(said.status != 0, "\(answer)")
            }
            #expect(try await trash(stage).count == 1)
            try await stage.operate(["trash", "rm", name], answering: .yes).checked()
            try await stage.expectBlank()
        }
    }

    @Test("Nodes delete it when its time is up, and not before, also when etcd has lost or invented something")
    func expires() async throws {
        try await Stage.with { stage in
            let long = try await stage.volume("long", ["on-remove": "trash"])
            let uid = try #require(try await stage.record(of: long)?["uid"]?.string)
            let short = try await stage.volume("short", ["on-remove": "trash", "trash.keep": "5s"])
            try await stage.operate("snapshot", "create", short, "s").checked()
            try await stage.client.remove(long).checked()
            try await stage.client.remove(short).checked()
            let entry = try #require(try await trash(stage).first { $0["name"] == .string(long) })
            let id = try #require(entry["id"]?.string)
            let claim = """
                {"claims":{"\(uid)":{"by":"nobody","imageID":"\(id)","namespace":"\(stage.namespace)",\
                "pool":"\(stage.pool)","purpose":"emptying","since":"2026-01-01T00:00:00Z","token":"t"}},"schema":1}
                """
            try await stage.etcd.put("\(stage.prefix)trash/\(long)", claim)
            // A plugin that starts looks everywhere.
            try await eventually("the one whose time is up to be deleted", within: .seconds(120)) {
                _ = try await stage.plugin.terminate()
                try await stage.plugin.start()
                try await stage.client.list().checked()
                try await Task.sleep(for: .seconds(5))
                return try await trash(stage).map { $0["name"] } == [.string(long)]
            }
            try await stage.etcd.delete(prefix: "\(stage.prefix)trash/\(long)")
            try await stage.operate("trash", "restore", uid).checked()
            #expect(try await stage.record(of: long)?["phase"] == "ready")
            try await stage.client.mount(long, id: "a").checked()
            try await stage.client.unmount(long, id: "a").checked()
        }
    }

    @Test("With keep, the image stays and can be adopted; with delete, a policy's trash does not count")
    func choices() async throws {
        try await Stage.with(settings: ["RBD_ALLOW_ADOPT": "true"]) { stage in
            let client = stage.client
            let name = try await stage.volume("db")
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            try await stage.operate("volume", "set", name, "on-remove=keep").checked()
            #expect(try await stage.record(of: name)?["schema"] == .integer(2))
            try await client.unmount(name, id: "a").checked()
            try await client.remove(name).checked()
            #expect(try await stage.images() == [name])
            #expect(try await stage.record(of: name) == nil)
            let adopting = ["pool": stage.pool, "namespace": stage.namespace, "adopt": "own", "on-remove": "delete"]
            try await client.create(name, options: adopting).checked()
            let again = try await client.mount(name, id: "b").checked().mountpoint
            #expect(try text(of: again + "/file") == "kept")
            try await client.unmount(name, id: "b").checked()
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }
}

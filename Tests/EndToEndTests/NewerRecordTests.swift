import FoundationEssentials
import Rig
import Testing

/// Records that a newer version of the plugin has written to, as while a cluster is upgraded.
@Suite("Records of newer versions") struct NewerRecordTests {
    private static let later: JSONValue = ["limits": [1, true, nil, "x"], "since": "tomorrow"]

    @Test("What a newer version has recorded survives every call of this one that changes the record")
    func keepsNewerFields() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("newer"))
            try await stage.addFields(to: "volumes/\(name)", ["later": Self.later, "schema": 99, "reader": 1])
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try await Self.expectVolumeKept(name, on: stage, "Mount")
            #expect(try await stage.record(of: name)?["epoch"]?.integer == 1)

            try await stage.addFields(to: "mounts/\(name)", ["later": Self.later])
            try await client.mount(name, id: "b").checked()
            try await Self.expectMountKept(name, counted: 2, on: stage, "a second Mount")
            try await client.unmount(name, id: "a").checked()
            try await Self.expectMountKept(name, counted: 1, on: stage, "its Unmount")
            try await stage.plugin.kill()
            try await stage.plugin.start()
            #expect(try await client.mount(name, id: "c").checked().mountpoint == mountpoint)
            try await Self.expectMountKept(name, counted: 2, on: stage, "a restart")

            for id in ["b", "c"] { try await client.unmount(name, id: id).checked() }
            #expect(try await stage.mountRecord(of: name) == nil)
            try await client.mount(name, id: "d").checked()
            #expect(try await stage.mountRecord(of: name)?["later"] == nil, "that was said of the mount before")
            try await client.unmount(name, id: "d").checked()
            try await Self.expectVolumeKept(name, on: stage, "the next mount")
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("A volume that only newer versions may act on is left to them, and everything else goes on")
    func leavesNewerVolumesAlone() async throws {
        try await Stage.with { stage in
            let (client, name, other) = (stage.client, try await stage.volume("newer"), try await stage.volume("other"))
            for fields: [String: JSONValue] in [["schema": 99, "reader": 98], ["phase": "migrating"]] {
                let genuine = try #require(try await stage.etcd.value(of: "\(stage.prefix)volumes/\(name)"))
                try await stage.addFields(to: "volumes/\(name)", fields)
                let before = try await stage.surroundings()
                for answer in [
                    try await client.mount(name, id: "a"), try await client.remove(name),
                    try await client.create(name, options: stage.options()),
                ] {
                    #expect(answer.error.contains("upgrade the plugin on this node"), "\(answer.error)")
                    #expect(answer.error.contains("volumes/\(name)"), "\(answer.error)")
                }
                try await stage.expectUnchanged(since: before, after: "calls on a newer version's volume")
                try await client.mount(other, id: "a").checked()
                try await client.unmount(other, id: "a").checked()
                try await stage.etcd.put("\(stage.prefix)volumes/\(name)", genuine)
            }
            try await client.mount(name, id: "a").checked()
            try await client.unmount(name, id: "a").checked()
        }
    }

    private static func expectVolumeKept(_ name: String, on stage: Stage, _ occasion: Comment) async throws {
        let record = try await stage.record(of: name)
        #expect(record?["later"] == later, occasion)
        #expect(record?["schema"] == 99 && record?["reader"] == 1, occasion)
    }

    private static func expectMountKept(
        _ name: String, counted: Int, on stage: Stage, _ occasion: Comment
    ) async throws {
        let record = try await stage.mountRecord(of: name)
        #expect(record?["later"] == later, occasion)
        #expect(record?["mountIDs"]?.object.count == counted, occasion)
    }
}

extension Stage {
    /// Changes a record as another version of the plugin would.
    fileprivate func addFields(to key: String, _ fields: [String: JSONValue]) async throws {
        var record = try await etcd.json(of: prefix + key)?.object ?? [:]
        record.merge(fields) { $1 }
        try await etcd.put(prefix + key, String(decoding: try JSONEncoder().encode(record), as: UTF8.self))
    }
}
